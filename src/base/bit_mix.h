// Spreads bits evenly. Not a secret and no cryptography: where somebody must not be able to guess
// or to collide, a key is needed (crypto/). Never changed: filters on disk, and which vendor gets
// whom, follow from these.
#pragma once

#include <cstdint>
#include <string_view>

namespace bulkhead {

uint64_t HashBytes(std::string_view bytes);
inline uint64_t MixBits(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

}  // namespace bulkhead
