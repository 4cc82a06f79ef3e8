// What is in a segment file, for people: `bulkhead dump segment`. Sizes, counts and names of
// properties; never a value.
#pragma once

#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"

namespace bulkhead {

// The manifest beside the file holds its key; `owner`: StoreOptions. Plain files need neither.
Result<std::string> DumpSegment(FileSystem& fs, const std::string& path, const KeyRing& keys,
                                std::string_view owner);

}  // namespace bulkhead
