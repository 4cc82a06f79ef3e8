#include "store/code_search.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "store/code_search.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bulkhead {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// 64 codes per word; a vector never spans two words (up to 64 lanes of 8 bit).
template <typename T>
void Search(const T* HWY_RESTRICT codes, size_t count, const uint32_t* wanted, size_t wanted_count,
            uint64_t* HWY_RESTRICT words) {
  const hn::CappedTag<T, 64> d;
  using V = hn::Vec<decltype(d)>;
  const size_t lanes = hn::Lanes(d);
  V keys[16];
  for (size_t k = 0; k < wanted_count; ++k) {
    keys[k] = hn::Set(d, static_cast<T>(wanted[k]));
  }
  size_t i = 0;
  for (; i + 64 <= count; i += 64) {
    uint64_t word = 0;
    for (size_t j = 0; j < 64; j += lanes) {
      const V v = hn::LoadU(d, codes + i + j);
      auto found = hn::Eq(v, keys[0]);
      for (size_t k = 1; k < wanted_count; ++k) {
        found = hn::Or(found, hn::Eq(v, keys[k]));
      }
      uint8_t bytes[16] = {};  // StoreMaskBits may write 8
      hn::StoreMaskBits(d, found, bytes);
      uint64_t bits = 0;
      __builtin_memcpy(&bits, bytes, sizeof(bits));
      if (lanes < 64) {
        bits &= (uint64_t{1} << lanes) - 1;
      }
      word |= bits << j;
    }
    words[i / 64] = word;
  }
  if (i < count) {
    uint64_t word = 0;
    for (size_t j = i; j < count; ++j) {
      bool found = false;
      for (size_t k = 0; k < wanted_count; ++k) {
        found = found || codes[j] == wanted[k];
      }
      word |= static_cast<uint64_t>(found) << (j - i);
    }
    words[i / 64] = word;
  }
}

void Search8(const uint8_t* codes, size_t count, const uint32_t* wanted, size_t wanted_count,
             uint64_t* words) {
  Search(codes, count, wanted, wanted_count, words);
}
void Search16(const uint16_t* codes, size_t count, const uint32_t* wanted, size_t wanted_count,
              uint64_t* words) {
  Search(codes, count, wanted, wanted_count, words);
}
void Search32(const uint32_t* codes, size_t count, const uint32_t* wanted, size_t wanted_count,
              uint64_t* words) {
  Search(codes, count, wanted, wanted_count, words);
}

}  // namespace HWY_NAMESPACE
}  // namespace bulkhead
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bulkhead {

HWY_EXPORT(Search8);
HWY_EXPORT(Search16);
HWY_EXPORT(Search32);

void FindCodes(const uint8_t* codes, size_t count, std::span<const uint32_t> wanted,
               uint64_t* words) {
  HWY_DYNAMIC_DISPATCH(Search8)(codes, count, wanted.data(), wanted.size(), words);
}
void FindCodes(const uint16_t* codes, size_t count, std::span<const uint32_t> wanted,
               uint64_t* words) {
  HWY_DYNAMIC_DISPATCH(Search16)(codes, count, wanted.data(), wanted.size(), words);
}
void FindCodes(const uint32_t* codes, size_t count, std::span<const uint32_t> wanted,
               uint64_t* words) {
  HWY_DYNAMIC_DISPATCH(Search32)(codes, count, wanted.data(), wanted.size(), words);
}

}  // namespace bulkhead
#endif
