// Finding event codes in plain arrays, with the widest vectors that the processor has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace bulkhead {

inline constexpr size_t kMaxSearchedCodes = 16;

// Bit i of `words` = codes[i] is one of `wanted` (at most kMaxSearchedCodes). `words` has room for
// (count + 63) / 64; bits past `count` are 0.
void FindCodes(const uint8_t* codes, size_t count, std::span<const uint32_t> wanted,
               uint64_t* words);
void FindCodes(const uint16_t* codes, size_t count, std::span<const uint32_t> wanted,
               uint64_t* words);
void FindCodes(const uint32_t* codes, size_t count, std::span<const uint32_t> wanted,
               uint64_t* words);

}  // namespace bulkhead
