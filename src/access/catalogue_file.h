// The catalogue's file (docs/formats/catalogue.md): a whole small database, encrypted, with a
// number that grows with every change.
//
//   magic "BULKHCAT" | version u32 | key id u32 | box: nonce 24, ciphertext, tag 16
//   opened: generation u64 | SQLite database
//
// What stands before the box is its associated data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/crypto.h"
#include "crypto/key_ring.h"

namespace bulkhead {

// The header and the nonce: no two writes have the same.
inline constexpr size_t kCatalogueTagBytes = 16 + 24;

struct CatalogueContent {
  uint32_t key_id = 0;
  uint64_t generation = 0;
  SecretBytes opened;
  [[nodiscard]] std::string_view image() const { return opened.view().substr(sizeof(uint64_t)); }
};

// Under the newest key.
std::string EncodeCatalogue(const KeyRing& keys, uint64_t generation, std::string_view image);

// kUnavailable: of a newer version. kDenied: under a key that the ring does not have. kCorruption:
// not a catalogue, changed, or under another key of that number.
Result<CatalogueContent> DecodeCatalogue(const KeyRing& keys, std::string_view bytes);

}  // namespace bulkhead
