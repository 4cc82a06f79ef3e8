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

  friend auto operator<=>(const SubjectId&, const SubjectId&) = default;
  [[nodiscard]] bool IsNobody() const { return *this == SubjectId{}; }
  // The first eight bytes, big-endian: its order is the order of SubjectId's first half.
  [[nodiscard]] uint64_t Prefix() const {
    uint64_t prefix = 0;
    std::memcpy(&prefix, bytes.data(), sizeof(prefix));
    return __builtin_bswap64(prefix);
  }
  // 32 lower-case hexadecimal digits: the text form in every answer, export and command.
  [[nodiscard]] std::string ToHex() const;
  static std::optional<SubjectId> FromHex(std::string_view hex);
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
