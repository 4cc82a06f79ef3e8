#include "egress/canary_ids.h"

#include <array>
#include <cstring>

namespace bulkhead {
namespace {

constexpr std::string_view kIdLabel = "bulkhead v1 canary ids";
constexpr std::string_view kPersonLabel = "bulkhead v1 canary persons";
// Twelve bytes that no pseudonym begins with, but for a chance of 2^-96; then the number.
constexpr std::array<uint8_t, 12> kMark = {'b', 'u', 'l', 'k', 'h', 'e',
                                           'a', 'd', 0,   'c', 'n', 'y'};

std::string_view BytesOf(const uint32_t& number) {
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}

}  // namespace

SubjectId CanarySubject(uint32_t number) {
  SubjectId subject;
  std::memcpy(subject.bytes.data(), kMark.data(), kMark.size());
  std::memcpy(subject.bytes.data() + kMark.size(), &number, sizeof(number));
  return subject;
}

std::optional<uint32_t> CanaryNumber(const SubjectId& subject) {
  if (std::memcmp(subject.bytes.data(), kMark.data(), kMark.size()) != 0) {
    return std::nullopt;
  }
  uint32_t number = 0;
  std::memcpy(&number, subject.bytes.data() + kMark.size(), sizeof(number));
  return number;
}

CanaryIds::CanaryIds(const SecretBytes& epoch_key)
    : ids_(DeriveKey(epoch_key, kIdLabel)), persons_(DeriveKey(epoch_key, kPersonLabel)) {}

SubjectId CanaryIds::VendorId(uint32_t number) const {
  SubjectId id;
  ids_.Digest128(BytesOf(number), id.bytes.data());
  return id;
}

InventedPerson CanaryIds::Person(uint32_t number) const {
  return InventPerson(persons_.Digest64(BytesOf(number)));
}

std::optional<uint32_t> CanaryIds::IsCanary(const SubjectId& vendor_id) const {
  for (uint32_t number = 0; number < kMostCanaries; ++number) {
    if (VendorId(number) == vendor_id) {
      return number;
    }
  }
  return std::nullopt;
}

std::optional<uint32_t> CanaryIds::IsCanaryAddress(std::string_view local_part) const {
  for (uint32_t number = 0; number < kMostCanaries; ++number) {
    if (Person(number).local_part == local_part) {
      return number;
    }
  }
  return std::nullopt;
}

}  // namespace bulkhead
