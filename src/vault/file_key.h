// DIR/vault/file_key: the random key of the vault's database files, wrapped under the newest
// subject wrap key (crypto/sealed_file.h). Each database is encrypted, page by page, under a key
// derived from it and from the file's name. It stays for the life of the directory, so that
// databases restored from different backups open with it; a change of the wrap key wraps it anew.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "crypto/key_ring.h"

namespace bulkhead {

class VaultFileKey {
 public:
  // Made where `dir` has none and no database that would need it: that is kCorruption, as is a file
  // that was changed. kUnavailable: `wrap_keys` lacks the one that it lies under. `fs` outlives it.
  static Result<VaultFileKey> Open(FileSystem& fs, const std::string& dir,
                                   const KeyRing& wrap_keys);

  // The key of one database, such as "identities.db": 32 bytes.
  [[nodiscard]] SecretBytes For(std::string_view file_name) const;
  // Nothing to do where it lies under the newest of `wrap_keys`.
  Result<void> Rewrap(const KeyRing& wrap_keys);

 private:
  VaultFileKey(FileSystem& fs, std::string path) : fs_(&fs), path_(std::move(path)) {}
  Result<void> Write(const KeyRing& wrap_keys);

  FileSystem* fs_;
  std::string path_;
  SecretBytes key_;
  uint32_t wrap_key_ = 0;
};

}  // namespace bulkhead
