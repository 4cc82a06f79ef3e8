// Inside crypto/: the three key files of version 1, read once and then replaced.
#pragma once

#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "crypto/key_file.h"

namespace bulkhead {

// Whether any of the files is there.
bool HasVersion1Keys(FileSystem& fs, const std::string& dir);

// Their keys as those of a file of this version, each with number 1; what version 1 did not have is
// missing. kCorruption as ever.
Result<KeyFile> ReadVersion1Keys(FileSystem& fs, const std::string& dir, const SecretBytes& root,
                                 int64_t now_ms);

// Their keys live on elsewhere.
Result<void> RemoveVersion1Keys(FileSystem& fs, const std::string& dir);

}  // namespace bulkhead
