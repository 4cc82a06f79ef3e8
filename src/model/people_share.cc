#include "model/people_share.h"

#include <algorithm>

#include "base/bit_mix.h"

namespace bulkhead {
namespace {

// Rendezvous hashing: whoever weighs most has the person. Equal weights, 1 in 2^64, leave the
// person to nobody.
uint64_t Weight(uint64_t vendor, const SubjectId& subject) {
  return MixBits(vendor ^ MixBits(subject.Prefix()));
}

}  // namespace

PeopleShare PeopleShare::Part(uint32_t part, uint32_t of) {
  PeopleShare share(of == 1 ? Kind::kAll : Kind::kPart);
  share.part_ = part;
  share.of_ = of;
  return share;
}

PeopleShare PeopleShare::Divided(std::string_view own, const std::vector<std::string>& others) {
  PeopleShare share;
  share.own_ = HashBytes(own);
  for (const std::string& other : others) {
    share.others_.push_back(HashBytes(other));
  }
  std::ranges::sort(share.others_);
  return share;
}

bool PeopleShare::Has(const SubjectId& subject) const {
  if (kind_ == Kind::kAll || subject.IsNobody()) {
    return true;
  }
  if (kind_ == Kind::kPart) {
    return ((subject.Prefix() >> 32) * of_) >> 32 == part_ - 1;
  }
  const uint64_t own = Weight(own_, subject);
  return std::ranges::all_of(others_, [&](uint64_t other) { return Weight(other, subject) < own; });
}

// Whether it gives way to the other where that one weighs more.
bool PeopleShare::Knows(const PeopleShare& other) const {
  return std::ranges::binary_search(others_, other.own_);
}

bool PeopleShare::Overlaps(const PeopleShare& other) const {
  if (IsDivided() && other.IsDivided()) {
    return !Knows(other) || !other.Knows(*this);
  }
  if (kind_ != Kind::kPart || other.kind_ != Kind::kPart) {
    return true;
  }
  const auto begins_before_end = [](const PeopleShare& a, const PeopleShare& b) {
    return uint64_t{a.part_ - 1} * b.of_ < uint64_t{b.part_} * a.of_;
  };
  return begins_before_end(*this, other) && begins_before_end(other, *this);
}

uint32_t PeopleShare::parts() const {
  return IsDivided() ? static_cast<uint32_t>(others_.size()) + 1 : of_;
}

std::string PeopleShare::Text() const {
  switch (kind_) {
    case Kind::kDivided:
      return "";
    case Kind::kAll:
      return "all";
    case Kind::kPart:
      return std::to_string(part_) + "/" + std::to_string(of_);
  }
  return "";
}

}  // namespace bulkhead
