// The keys of each compartment, each in a file of its own that only the root key opens.
// docs/formats/keys.md draws the bytes. A compartment loads its own struct and sees no other's
// keys.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"

namespace bulkhead {

struct IntakeKeys {
  SecretBytes pseudonym_key;
  SecretBytes insert_id_key;
  SecretBytes token_key;
  std::array<uint8_t, 32> vault_public_key{};
};

struct CoreKeys {
  SecretBytes store_key;
  SecretBytes session_key;
};

struct VaultKeys {
  std::array<uint8_t, 32> public_key{};
  SecretBytes private_key;
  SecretBytes subject_wrap_key;
  SecretBytes blind_index_key;
};

// `dir` is the directory of the key files (DIR/keys), made if absent. Writes root.key (mode 0600),
// intake.keys, core.keys and vault.keys. Refuses (kInvalid) where any of them exists: a second root
// key would make all data unreadable. After a crash half-way there is no root.key, and calling
// again starts over.
Result<void> CreateKeys(FileSystem& fs, const std::string& dir);

// The root key from its file. Refuses a file that other users can read.
Result<SecretBytes> LoadRootKey(FileSystem& fs, const std::string& path);

// kNotFound: no such file. kCorruption: changed, cut, another version, another compartment's, or
// another root key.
Result<IntakeKeys> LoadIntakeKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root);
Result<CoreKeys> LoadCoreKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root);
Result<VaultKeys> LoadVaultKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root);

// The same with the root key in `dir`.
Result<IntakeKeys> LoadIntakeKeys(FileSystem& fs, const std::string& dir);
Result<CoreKeys> LoadCoreKeys(FileSystem& fs, const std::string& dir);
Result<VaultKeys> LoadVaultKeys(FileSystem& fs, const std::string& dir);

}  // namespace bulkhead
