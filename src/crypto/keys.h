// The keys of each compartment. All lie in one file that only the root key opens; whoever has the
// root key (the supervisor) opens it and hands each compartment its bundle, a list of its own keys
// in a fixed form. A compartment parses its bundle and sees no other's keys. docs/formats/keys.md
// draws the bytes, docs/keys.md says how keys are changed.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/compartment.h"
#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "crypto/key_bundle.h"
#include "crypto/key_ring.h"
#include "crypto/root_key.h"
#include "crypto/vault_shares.h"

namespace bulkhead {

struct IntakeKeys {
  // An insert-id key that newer ones have followed. It goes on ruling events whose time lies before
  // `before_ms`, so that an event that is sent again gives the same fingerprint as the first time.
  struct OldInsertIdKey {
    int64_t before_ms = 0;
    SecretBytes key;
  };

  SecretBytes pseudonym_key;
  SecretBytes insert_id_key;
  std::vector<OldInsertIdKey> old_insert_id_keys;  // by before_ms, smallest first
  SecretBytes token_key;
  std::array<uint8_t, 32> vault_public_key{};
  std::vector<std::array<uint8_t, 32>> log_recipients;  // who can read the log: core, vault
  SecretBytes catalogue_key;                            // the newest of catalogue_keys
  KeyRing catalogue_keys;
};

struct CoreKeys {
  KeyRing store_keys;
  SealKeyRing log_keys;
  SecretBytes catalogue_key;  // the newest of catalogue_keys
  KeyRing catalogue_keys;
  SecretBytes session_key;
};

struct VaultKeys {
  SealKeyRing seal_keys;  // of the boxes that intake makes
  SealKeyRing log_keys;
  KeyRing subject_wrap_keys;
  KeyRing blind_index_keys;
  SecretBytes pseudonym_key;  // for "which pseudonym has this raw id?"
};

struct AuditKeys {
  SecretBytes signing_seed;  // Ed25519; the newest of signing_seeds
  KeyRing signing_seeds;     // an older one signs that a newer one follows it
  SecretBytes payload_key;   // of result sets beside the log; the newest of payload_keys
  KeyRing payload_keys;
};

struct EgressKeys {
  SecretBytes webhook_key;
  KeyRing vendor_keys;
  // Notices: an older code key goes on telling that what was sent under it is ours.
  KeyRing notice_code_keys;
  KeyRing notice_signing_seeds;  // Ed25519
  KeyRing dkim_ed25519_seeds;
  std::vector<KeyRing::Entry> dkim_rsa_keys;  // RsaKey::FromPadded; by id, the newest last
};

// --- Making and opening the key file ---

struct KeyCreation {
  int64_t now_ms = 0;
  // Where the root key goes; empty: root.key in `dir`. One that is there already is taken.
  std::string root_key_file = "";
  const SecretBytes* root = nullptr;  // given: this one, and none is written
};
// `dir` is the directory of the keys (DIR/keys), made if absent. Refuses (kInvalid) where it holds
// keys: new ones would make all data unreadable. After a crash half-way there is no key file, and
// calling again goes on.
Result<void> CreateKeys(FileSystem& fs, const std::string& dir, const KeyCreation& creation);
Result<void> CreateKeys(FileSystem& fs, const std::string& dir);

// Brings a directory of an older program up to date: the key files of version 1 become one of
// version 2, and keys that did not exist then are made. Atomic; nothing to do on a directory of
// this program. True: something was changed. Only while no other process uses the directory. The
// vault's keys of a split directory are completed only if `shares` open them.
Result<bool> UpgradeKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root,
                         int64_t now_ms, std::span<const VaultShare> shares = {});

// kNotFound: no key file. kInvalid: a version 1 directory; UpgradeKeys is the way. kDenied: another
// root key, or the vault's shares are missing or wrong (the message names which). kCorruption:
// changed, cut, or another version.
Result<SecretBytes> OpenKeyBundle(FileSystem& fs, const std::string& dir, Compartment compartment,
                                  const SecretBytes& root, std::span<const VaultShare> shares = {});

// --- What a compartment does with its bundle ---

// kCorruption: another compartment's bundle, or not one. kNotFound: a key is missing that this
// program needs.
Result<IntakeKeys> ParseIntakeKeys(const SecretBytes& bundle);
Result<CoreKeys> ParseCoreKeys(const SecretBytes& bundle);
Result<VaultKeys> ParseVaultKeys(const SecretBytes& bundle);
Result<AuditKeys> ParseAuditKeys(const SecretBytes& bundle);
Result<EgressKeys> ParseEgressKeys(const SecretBytes& bundle);

// --- Both at once, for commands that have the root key ---

Result<IntakeKeys> LoadIntakeKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root);
Result<CoreKeys> LoadCoreKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root);
Result<VaultKeys> LoadVaultKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root,
                                std::span<const VaultShare> shares = {});
Result<AuditKeys> LoadAuditKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root);
Result<EgressKeys> LoadEgressKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root);

// The same with the root key in `dir`.
Result<IntakeKeys> LoadIntakeKeys(FileSystem& fs, const std::string& dir);
Result<CoreKeys> LoadCoreKeys(FileSystem& fs, const std::string& dir);
Result<VaultKeys> LoadVaultKeys(FileSystem& fs, const std::string& dir);
Result<AuditKeys> LoadAuditKeys(FileSystem& fs, const std::string& dir);
Result<EgressKeys> LoadEgressKeys(FileSystem& fs, const std::string& dir);

}  // namespace bulkhead
