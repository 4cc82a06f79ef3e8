#include "base/bit_mix.h"

#include <bit>
#include <cstring>

namespace bulkhead {

uint64_t HashBytes(std::string_view bytes) {
  uint64_t hash = 0x9E3779B97F4A7C15ULL ^ (bytes.size() * 0xff51afd7ed558ccdULL);
  while (bytes.size() >= 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    hash = (std::rotl(hash, 23) ^ word) * 0x9FB21C651E98DF25ULL;
    bytes.remove_prefix(8);
  }
  uint64_t word = 0;
  std::memcpy(&word, bytes.data(), bytes.size());
  return MixBits((std::rotl(hash, 23) ^ word) * 0x9FB21C651E98DF25ULL);
}

}  // namespace bulkhead
