// Keys as entries with a purpose, a number and a state, and the bytes of a list of them: what a
// compartment is handed, and what the key file holds. docs/formats/keys.md draws them. Plain data;
// nothing here touches a disk.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/crypto.h"

namespace bulkhead {

enum class KeyPurpose : uint8_t {
  kPseudonym = 1,
  kInsertId,
  kToken,
  kStore,
  kCatalogue,
  kSession,
  kCoreLog,    // a pair: public key, private key
  kVaultSeal,  // a pair
  kVaultLog,   // a pair
  kSubjectWrap,
  kBlindIndex,
  kAuditSigning,  // an Ed25519 seed
  kAuditPayload,
  kWebhook,
  kCoreLogPublic,
  kVaultSealPublic,
  kVaultLogPublic,
  kVendor,         // wraps what egress keeps: vendors' keys and credentials, the ledger
  kNoticeCode,     // codes by which a notice is known to be ours
  kNoticeSigning,  // an Ed25519 seed: answers of the page where notices are checked
  kDkimEd25519,    // an Ed25519 seed
  kDkimRsa,        // RsaKey::ToPadded
};
inline constexpr KeyPurpose kLastKeyPurpose = KeyPurpose::kDkimRsa;
// The public half of a pair, which is never made by itself.
constexpr bool IsPublicHalf(KeyPurpose purpose) {
  return purpose >= KeyPurpose::kCoreLogPublic && purpose <= KeyPurpose::kVaultLogPublic;
}

// "pseudonym", "insert-id", ...: what commands and messages call it.
std::string_view KeyPurposeName(KeyPurpose purpose);
// 64 for pairs, RsaKey::kPaddedBytes for RSA, else 32.
size_t KeyPurposeBytes(KeyPurpose purpose);

enum class KeyState : uint8_t {
  kNewest = 1,  // used for what is written from now on
  kOld,         // kept for what was written before
};

struct KeyEntry {
  KeyPurpose purpose = KeyPurpose::kPseudonym;
  KeyState state = KeyState::kNewest;
  uint32_t id = 0;      // never zero; grows with each rotation of its purpose
  int64_t from_ms = 0;  // in force since; of an insert-id key: since this event time
  SecretBytes bytes;
};

// Whose list it is. A list with another scope's purposes is refused.
enum class KeyScope : uint8_t {
  kIntake = 1,
  kCore,
  kVault,
  kAudit,
  kEgress,
  kFileMain = 16,  // in the key file: everything but the vault's own
  kFileVault,      // in the key file: what only the vault may have
};
bool ScopeHas(KeyScope scope, KeyPurpose purpose);

// The entries must be in order: by purpose, then by id, the last of a purpose is its newest and no
// other is. Anything else is our mistake.
SecretBytes EncodeKeyBundle(KeyScope scope, const std::vector<KeyEntry>& entries);

// kCorruption: not exactly what EncodeKeyBundle writes for this scope. A purpose may be missing:
// whoever needs it says so.
Result<std::vector<KeyEntry>> DecodeKeyBundle(KeyScope scope, std::string_view bytes);

}  // namespace bulkhead
