// Inside crypto/: the one file that holds all keys (DIR/keys/keyring), open in memory. It is
// written as a whole and atomically, so that no crash leaves compartments with keys that do not fit
// together. docs/formats/keys.md draws the bytes. Not thread-safe; one process at a time may write.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "crypto/key_bundle.h"
#include "crypto/vault_shares.h"

namespace bulkhead {

inline constexpr std::string_view kKeyFileName = "keyring";

using RootKeyId = std::array<uint8_t, 8>;
RootKeyId RootKeyIdOf(const SecretBytes& root);

// The newest, or null.
const KeyEntry* NewestKey(const std::vector<KeyEntry>& entries, KeyPurpose purpose);
// What was newest becomes old. `entry`'s id must be larger than theirs.
void AddNewestKey(std::vector<KeyEntry>* entries, KeyEntry entry);
// A fresh one. Of a ...Public purpose: our mistake.
KeyEntry GenerateKey(KeyPurpose purpose, uint32_t id, int64_t from_ms);
KeyEntry CopyKey(const KeyEntry& entry);
// The public half of a pair, as an entry of `purpose`.
KeyEntry PublicHalf(const KeyEntry& pair, KeyPurpose purpose);

class KeyFile {
 public:
  KeyFile() = default;  // empty, not split

  // kNotFound: no file. kDenied: another root key. kCorruption: changed, cut, or of a version that
  // this program does not know.
  static Result<KeyFile> Read(FileSystem& fs, const std::string& dir, const SecretBytes& root);
  // Wrapped for each of the root keys: one, or two while the root key changes.
  Result<void> Write(FileSystem& fs, const std::string& dir,
                     std::span<const SecretBytes* const> roots) const;

  // Who can open the file as it was read.
  [[nodiscard]] const std::vector<RootKeyId>& root_ids() const { return root_ids_; }

  [[nodiscard]] std::vector<KeyEntry>& main() { return main_; }
  [[nodiscard]] const std::vector<KeyEntry>& main() const { return main_; }

  [[nodiscard]] bool split() const { return split_.has_value(); }
  [[nodiscard]] const std::optional<VaultSplit>& vault_split() const { return split_; }
  [[nodiscard]] bool vault_open() const { return vault_open_; }
  // Nothing to do where the vault's part is not split. Errors as JoinVaultShares.
  Result<void> OpenVault(std::span<const VaultShare> shares);
  // Only while vault_open().
  [[nodiscard]] std::vector<KeyEntry>& vault();
  [[nodiscard]] const std::vector<KeyEntry>& vault() const;

  // Only while vault_open(). Intake needs the public halves of the vault's newest pairs while the
  // vault's own part may stay closed: they stand in the main part too. True: they were others.
  bool CopyPublicHalves();

  // Only while vault_open(). From the next Write on the vault's part needs shares, or none.
  void SetSplit(VaultSplit split, SecretBytes vault_root);
  void RemoveSplit();

  // What Write encrypts and Read decrypts.
  [[nodiscard]] SecretBytes EncodeBody() const;
  Result<void> DecodeBody(std::string_view body);

 private:
  std::vector<RootKeyId> root_ids_;
  std::vector<KeyEntry> main_;
  bool vault_open_ = true;
  std::vector<KeyEntry> vault_;
  std::optional<VaultSplit> split_;
  SecretBytes vault_root_;  // split and open
  std::string vault_box_;   // split and not open: as read
};

}  // namespace bulkhead
