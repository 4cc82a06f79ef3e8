// Changing keys: a new one for what is written from now on, the old one kept for as long as
// anything needs it. Every step here is one atomic writing of the key file; a server that runs on
// the old keys goes on until it is told to read them again. docs/keys.md says what each change
// means. Not thread-safe; one process at a time (main/key_commands.h has the lock).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_bundle.h"
#include "crypto/keys.h"
#include "crypto/vault_shares.h"

namespace bulkhead {

// A kind of change that an operator can name.
struct KeyChange {
  std::string_view name;             // "store", "log", ...
  std::vector<KeyPurpose> purposes;  // whose keys it makes; none: the change is refused
  std::vector<Compartment> restart;  // who must get a new bundle, in this order
  bool keeps_old = true;             // false: nothing that was written needs the old key
  bool loses_equality = false;       // what was the same before and after is not seen to be
  std::string_view meaning;          // what the operator has to know before
};
// All but "root", which is below.
const std::vector<KeyChange>& KeyChanges();
const KeyChange* FindKeyChange(std::string_view name);  // null: no such

struct KeyAccess {
  FileSystem* fs = nullptr;
  std::string dir;
  const SecretBytes* root = nullptr;
  std::span<const VaultShare> shares;
  int64_t now_ms = 0;
};

struct KeyFact {
  KeyPurpose purpose = KeyPurpose::kPseudonym;
  KeyState state = KeyState::kNewest;
  uint32_t id = 0;
  int64_t from_ms = 0;
  std::array<uint8_t, 32> public_key{};  // of pairs, else zero
};
struct KeyStatus {
  std::vector<KeyFact> keys;  // no ...Public ones; without the vault's where its part is closed
  size_t root_keys = 1;       // 2 while the root key is being changed
  bool vault_split = false;
  bool vault_open = true;
};
Result<KeyStatus> ReadKeyStatus(const KeyAccess& access);

// Makes the new key or keys. kInvalid: a change that is refused, with the reason. kUnavailable: the
// root key is being changed. kDenied: it needs the vault's shares.
Result<std::vector<KeyFact>> RotateKey(const KeyAccess& access, const KeyChange& change);

// Whether any data still needs an old key. Asked before it is destroyed.
using KeyStillNeeded = std::function<Result<bool>(const KeyFact&)>;
// Destroys the old keys of the change, all or none; gives what was destroyed. kInvalid: one is
// needed.
Result<std::vector<KeyFact>> RetireKeys(const KeyAccess& access, const KeyChange& change,
                                        const KeyStillNeeded& still_needed);

// --- The root key ---

// From now on both open the key file.
Result<void> BeginRootChange(const KeyAccess& access, const SecretBytes& new_root);
// From now on only access.root does, which must be the new one (kInvalid). Nothing to do where that
// is so.
Result<void> FinishRootChange(const KeyAccess& access);
// All of it, for a root key that lies in a file: the file has the new one afterwards. At every
// moment, crashes included, what lies at `root_path` opens the key file; after a crash, call again.
Result<void> RotateRootInFile(const KeyAccess& access, const std::string& root_path);

// --- The vault's shares ---

// The vault's part needs two of these three from now on; earlier shares are void. To be shown once
// and kept nowhere.
Result<std::array<VaultShare, kVaultShareCount>> SplitVaultKeys(const KeyAccess& access);
// The vault's part opens with the root key alone again.
Result<void> JoinVaultKeys(const KeyAccess& access);

}  // namespace bulkhead
