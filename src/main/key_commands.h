// `bulkhead keys ...`: what an operator does with keys, beside a running server or without one; and
// what every command that needs the root key shares. docs/keys.md is for their readers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "audit/audit_entry.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "crypto/root_key.h"
#include "crypto/vault_shares.h"
#include "main/data_directory.h"

namespace bulkhead {

// Where the command line says that keys come from.
struct KeyInput {
  RootKeyChoice root;                    // --root-key, --root-key-fd
  std::vector<std::string> share_files;  // --vault-share
  std::vector<int> share_descriptors;    // --vault-share-fd
};

struct KeyMaterial {
  RootKeySource source;
  SecretBytes root;
  std::vector<VaultShare> shares;
};
// Reads the descriptors to their end. Shares that the command line does not name are taken from the
// systemd credentials bulkhead-vault-share-1 to -3, where there are any. A share that is mistyped
// is an error (kInvalid) that names it.
Result<KeyMaterial> LoadKeyMaterial(const DataDirectory& dir, const KeyInput& input);
Result<std::vector<VaultShare>> LoadVaultShares(const KeyInput& input);

// Held while a process changes the key file; released with the process, however it ends.
class KeysLock {
 public:
  // kUnavailable where another process holds it.
  static Result<std::unique_ptr<KeysLock>> Take(const DataDirectory& dir);
  ~KeysLock();
  KeysLock(const KeysLock&) = delete;
  KeysLock& operator=(const KeysLock&) = delete;

 private:
  explicit KeysLock(int fd) : fd_(fd) {}
  int fd_;
};

// For `doctor`: the source of the root key, an unfinished change of it, whether the vault is split,
// old keys that wait to be retired, and this process's memory for secrets.
struct KeyFinding {
  std::string text;
  bool good = true;
};
std::vector<KeyFinding> ExamineKeys(const DataDirectory& dir, const KeyMaterial& keys);

// How a change of keys stands in the audit log.
// `outcome`: "allowed" before it, "done" where a running server has taken the keys.
AuditEntry KeysChangeEntry(std::string_view what, std::string actor, std::string outcome);

struct KeyCommand {
  KeyInput input;
  std::string what;        // rotate, retire: "root", or a name of crypto/key_rotation.h
  bool yes = false;        // rotate: a change that loses something is meant
  bool force = false;      // retire: nobody can tell whether the old keys are needed
  RootKeyChoice new_root;  // rotate root: where the new one goes, or comes from
  int shares = kVaultShareCount;
  int need = kVaultSharesNeeded;
};
Result<void> CommandKeysStatus(const DataDirectory& dir, const KeyCommand& command);
Result<void> CommandKeysUpgrade(const DataDirectory& dir, const KeyCommand& command);
Result<void> CommandKeysRotate(const DataDirectory& dir, const KeyCommand& command);
Result<void> CommandKeysRetire(const DataDirectory& dir, const KeyCommand& command);
Result<void> CommandKeysSplit(const DataDirectory& dir, const KeyCommand& command);
Result<void> CommandKeysJoin(const DataDirectory& dir, const KeyCommand& command);

}  // namespace bulkhead
