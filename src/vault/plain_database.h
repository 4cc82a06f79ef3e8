// Databases as they were before the vault's files were encrypted: told apart, and brought over.
#pragma once

#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"

struct sqlite3;

namespace bulkhead {

enum class DatabaseForm : unsigned char {
  kNone,       // no file, or an empty one
  kPlain,      // SQLite's own, which needs no key
  kEncrypted,  // anything else
};
Result<DatabaseForm> FormOfDatabase(FileSystem& fs, const std::string& path);

// Gives an open connection its key, before anything else is done with it. Of a new file, the key
// that it is encrypted under from then on.
Result<void> SetDatabaseKey(sqlite3* handle, const SecretBytes& key32);

// Replaces a plain file by one of the same content, encrypted under the key; what lies in a
// write-ahead log beside it is taken in first. Ends with all of the old file or all of the new one,
// whatever happens. kUnavailable: another process uses it.
Result<void> EncryptPlainDatabase(FileSystem& fs, const std::string& path,
                                  const SecretBytes& key32);

}  // namespace bulkhead
