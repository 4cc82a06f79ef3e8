// What a cache keeps in place of a raw text that it must find again: 128 bits of SipHash-2-4 under
// a key that only this object has. Fast, and for tables in memory only: who can read the key can
// try texts.
#pragma once

#include <cstdint>
#include <string_view>

#include "crypto/crypto.h"

namespace bulkhead {

struct CacheDigest {
  uint64_t low = 0;
  uint64_t high = 0;
  bool operator==(const CacheDigest&) const = default;
};

// Thread-safe.
class CacheHash {
 public:
  CacheHash();
  [[nodiscard]] CacheDigest Of(std::string_view text) const;

 private:
  SecretBytes key_;  // random; ends with this object
};

}  // namespace bulkhead
