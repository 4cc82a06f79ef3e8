// A small file as a whole, encrypted under a random key of its own, which its header holds wrapped
// under the newest key of a ring: what the store's manifest and the saved funnels are
// (docs/formats/manifest.md draws the bytes). Written anew, whole, each time; so re-wrapping under
// a newer key of the ring is writing it once more.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/crypto.h"
#include "crypto/key_ring.h"

namespace bulkhead {

struct SealedFile {
  uint32_t ring_key = 0;  // the number of the key that it was wrapped under
  SecretBytes secrets;    // key bytes, kept out of ordinary memory on the way in and out
  std::string body;
};

// What a file is taken for; as anything else it does not open.
struct SealedKind {
  std::string_view magic;  // with the version, eight bytes; the file begins with it
  std::string_view owner;  // whose it is, such as a project's number; not in the file
};

std::string EncryptFile(const KeyRing& ring, const SealedKind& kind, const SecretBytes& secrets,
                        std::string_view body);

// kDenied: the ring lacks the key that the header names. kCorruption: changed, cut, another kind or
// owner, or a key of the right number that is another.
Result<SealedFile> DecryptFile(const KeyRing& ring, const SealedKind& kind, std::string_view file);

// The number of the ring's key that the file is wrapped under, without opening it. kCorruption:
// another kind, or cut.
Result<uint32_t> RingKeyOf(const SealedKind& kind, std::string_view file);

}  // namespace bulkhead
