// What is in a log directory, for people: `bulkhead dump log`. Positions, sizes and checksum
// states; never a payload, and so without any key.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/result.h"

namespace bulkhead {

// One line per file and per record, each given to `line` without its end of line. Damage is shown
// and does not stop it; an error means that the directory or a file could not be read.
Result<void> DumpLog(FileSystem& fs, const std::string& dir,
                     const std::function<void(std::string_view)>& line);

}  // namespace bulkhead
