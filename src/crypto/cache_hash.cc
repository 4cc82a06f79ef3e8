#include "crypto/cache_hash.h"

#include <sodium.h>

namespace bulkhead {

static_assert(sizeof(CacheDigest) == crypto_shorthash_siphashx24_BYTES);

CacheHash::CacheHash() : key_(RandomSecret(crypto_shorthash_siphashx24_KEYBYTES)) {}

CacheDigest CacheHash::Of(std::string_view text) const {
  CacheDigest digest;
  crypto_shorthash_siphashx24(reinterpret_cast<uint8_t*>(&digest),
                              reinterpret_cast<const uint8_t*>(text.data()), text.size(),
                              key_.data());
  return digest;
}

}  // namespace bulkhead
