// What is in a segment file, for people: `bulkhead dump segment`. Sizes, counts and names of
// properties; never a value.
#pragma once

#include <string>

#include "base/file_system.h"
#include "base/result.h"

namespace bulkhead {

Result<std::string> DumpSegment(FileSystem& fs, const std::string& path);

}  // namespace bulkhead
