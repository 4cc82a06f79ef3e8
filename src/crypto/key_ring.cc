#include "crypto/key_ring.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace bulkhead {

KeyRing::KeyRing(SecretBytes only) { Add(1, std::move(only)); }

void KeyRing::Add(uint32_t id, SecretBytes key) {
  Check(id != 0 && key.size() == kKeyBytes, "a ring holds numbered keys of 32 bytes");
  Check(entries_.empty() || entries_.back().id < id, "a ring's numbers grow");
  entries_.push_back({id, std::move(key)});
}

const KeyRing::Entry& KeyRing::newest() const {
  Check(!entries_.empty(), "a ring that is used has a key");
  return entries_.back();
}

Result<const SecretBytes*> KeyRing::Find(uint32_t id) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [id](const Entry& entry) { return entry.id == id; });
  if (found == entries_.end()) {
    return Error{ErrorCode::kDenied, "no key with number " + std::to_string(id)};
  }
  return &found->key;
}

Result<SecretBytes> AeadDecryptWithAny(const KeyRing& keys, std::string_view box,
                                       std::string_view associated) {
  for (auto entry = keys.entries().rbegin(); entry != keys.entries().rend(); ++entry) {
    Result<SecretBytes> opened = AeadDecrypt(entry->key, box, associated);
    if (opened) {
      return opened;
    }
  }
  return Error{ErrorCode::kCorruption, "an encrypted value does not open: changed, or other keys"};
}

SealKeyRing::SealKeyRing(SealKeyPair only) { Add(std::move(only)); }

void SealKeyRing::Add(SealKeyPair pair) { pairs_.push_back(std::move(pair)); }

const SealKeyPair& SealKeyRing::newest() const {
  Check(!pairs_.empty(), "a ring that is used has a key pair");
  return pairs_.back();
}

const SealKeyPair* SealKeyRing::Find(std::span<const uint8_t, 32> public_key) const {
  const auto found =
      std::find_if(pairs_.begin(), pairs_.end(), [public_key](const SealKeyPair& pair) {
        return std::equal(public_key.begin(), public_key.end(), pair.public_key.begin());
      });
  return found == pairs_.end() ? nullptr : &*found;
}

Result<SecretBytes> SealKeyRing::Unseal(std::string_view sealed) const {
  for (auto pair = pairs_.rbegin(); pair != pairs_.rend(); ++pair) {
    Result<SecretBytes> opened = bulkhead::Unseal(pair->public_key, pair->private_key, sealed);
    if (opened) {
      return opened;
    }
  }
  return Error{ErrorCode::kCorruption, "a sealed box does not open with any key of the ring"};
}

}  // namespace bulkhead
