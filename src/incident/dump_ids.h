// Vendor ids in text of any form: 32 hexadecimal digits in either case, in one piece or in groups
// with hyphens between, whatever stands around them ("$device:", "%24device%3A", quotes, commas).
// Pure; safe on arbitrary bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/ids.h"

namespace bulkhead {

namespace dump_ids {

inline constexpr uint8_t kNoDigit = 0xFF;
inline constexpr std::array<uint8_t, 256> kDigits = [] {
  std::array<uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (uint8_t i = 0; i < 10; ++i) digits[static_cast<size_t>('0' + i)] = i;
  for (uint8_t i = 0; i < 6; ++i) {
    digits[static_cast<size_t>('a' + i)] = static_cast<uint8_t>(10 + i);
    digits[static_cast<size_t>('A' + i)] = static_cast<uint8_t>(10 + i);
  }
  return digits;
}();
inline uint8_t DigitOf(char c) { return kDigits[static_cast<uint8_t>(c)]; }

inline constexpr size_t kIdDigits = 32;

// From digits[begin] on, hyphens between groups passed over. True where the 32nd ends a group.
inline bool ReadId(std::string_view text, size_t begin, SubjectId* id) {
  size_t count = 0;
  size_t at = begin;
  for (; at < text.size() && count < kIdDigits; ++at) {
    const uint8_t digit = DigitOf(text[at]);
    if (digit == kNoDigit) {
      // One hyphen, between two digits.
      if (text[at] != '-' || at == begin || text[at - 1] == '-') return false;
      continue;
    }
    uint8_t& byte = id->bytes[count / 2];
    byte = static_cast<uint8_t>((byte << 4U) | digit);
    ++count;
  }
  return count == kIdDigits && (at == text.size() || DigitOf(text[at]) == kNoDigit);
}

}  // namespace dump_ids

// Calls f(id) for each that may be one; what overlaps is tried from every group's begin.
template <typename F>
void ForEachDumpId(std::string_view text, const F& f) {
  using dump_ids::DigitOf, dump_ids::kNoDigit;
  size_t at = 0;
  while (at < text.size()) {
    if (DigitOf(text[at]) == kNoDigit) {
      ++at;
      continue;
    }
    size_t end = at + 1;
    while (end < text.size() && DigitOf(text[end]) != kNoDigit) ++end;
    // The two digits of a percent escape are none of the id's.
    const size_t begin = at > 0 && text[at - 1] == '%' && end - at >= 2 ? at + 2 : at;
    // Short words without a hyphen behind them, which most are, need no closer look.
    if (end - begin == dump_ids::kIdDigits || (end < text.size() && text[end] == '-')) {
      SubjectId id;
      if (dump_ids::ReadId(text, begin, &id)) f(id);
    }
    at = end;
  }
}

}  // namespace bulkhead
