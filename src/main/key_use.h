// Whether data on disk still needs an old key, as far as the files tell without being opened.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_rotation.h"
#include "main/data_directory.h"

namespace bulkhead {

// Of keys of the log (whose files name their readers) and of the store (whose manifests and saved
// funnels name the key that they are wrapped under). None: files do not tell for this purpose.
// kCorruption and the like: a file could not be read, so nobody can tell.
Result<std::optional<bool>> DataNeedsKey(FileSystem& fs, const DataDirectory& dir,
                                         const KeyFact& key);

}  // namespace bulkhead
