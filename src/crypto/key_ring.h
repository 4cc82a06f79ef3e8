// Keys of one purpose that follow one another: what is written from now on uses the newest, what
// was written before names the key that it needs. A key leaves the ring when nothing needs it any
// more.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/crypto.h"

namespace bulkhead {

// Symmetric keys, each with a number that is written beside what it protects; never zero.
class KeyRing {
 public:
  struct Entry {
    uint32_t id = 0;
    SecretBytes key;
  };

  KeyRing() = default;
  explicit KeyRing(SecretBytes only);  // id 1

  // Ids grow; a smaller or equal one is our mistake.
  void Add(uint32_t id, SecretBytes key);
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] const Entry& newest() const;
  // kDenied where the ring has no such key (any more).
  [[nodiscard]] Result<const SecretBytes*> Find(uint32_t id) const;
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }  // by id

 private:
  std::vector<Entry> entries_;
};

// For what does not name its key: opens with the newest that fits. kCorruption: none does.
Result<SecretBytes> AeadDecryptWithAny(const KeyRing& keys, std::string_view box,
                                       std::string_view associated);

// Key pairs, named by their public keys.
class SealKeyRing {
 public:
  SealKeyRing() = default;
  explicit SealKeyRing(SealKeyPair only);

  void Add(SealKeyPair pair);
  [[nodiscard]] bool empty() const { return pairs_.empty(); }
  [[nodiscard]] const SealKeyPair& newest() const;
  [[nodiscard]] const SealKeyPair* Find(std::span<const uint8_t, 32> public_key) const;
  // Tries every pair, the newest first: a sealed box does not name its receiver.
  [[nodiscard]] Result<SecretBytes> Unseal(std::string_view sealed) const;
  [[nodiscard]] const std::vector<SealKeyPair>& pairs() const { return pairs_; }  // oldest first

 private:
  std::vector<SealKeyPair> pairs_;
};

}  // namespace bulkhead
