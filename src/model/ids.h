// Strong ids: a subject cannot be passed for a device of another kind or a vendor.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead {

// Pseudonym of a person or device: HMAC(project pseudonym key, canonical id) cut to 128 bit. All
// zero = nobody: such an event counts in totals but belongs to no person.
struct SubjectId {
  std::array<uint8_t, 16> bytes{};

  // The order of the bytes.
  friend std::strong_ordering operator<=>(const SubjectId& a, const SubjectId& b) {
    const std::strong_ordering order = a.Prefix() <=> b.Prefix();
    return order != 0 ? order : __builtin_bswap64(a.Half(8)) <=> __builtin_bswap64(b.Half(8));
  }
  friend bool operator==(const SubjectId& a, const SubjectId& b) {
    return a.Half(0) == b.Half(0) && a.Half(8) == b.Half(8);
  }
  [[nodiscard]] bool IsNobody() const { return (Half(0) | Half(8)) == 0; }
  // The first eight bytes, big-endian: its order is the order of SubjectId's first half.
  [[nodiscard]] uint64_t Prefix() const { return __builtin_bswap64(Half(0)); }
  // 32 lower-case hexadecimal digits: the text form in every answer, export and command.
  [[nodiscard]] std::string ToHex() const;
  static std::optional<SubjectId> FromHex(std::string_view hex);

 private:
  [[nodiscard]] uint64_t Half(size_t at) const {
    uint64_t half = 0;
    std::memcpy(&half, bytes.data() + at, sizeof(half));
    return half;
  }
};

struct SubjectIdHash {
  size_t operator()(const SubjectId& id) const { return static_cast<size_t>(id.Prefix()); }
};

// Numbers of a project; the first is 1, zero is none.
struct ProjectId {
  uint32_t value = 0;
  friend auto operator<=>(const ProjectId&, const ProjectId&) = default;
};

}  // namespace bulkhead
