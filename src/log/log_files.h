// The files of a log directory, and what a crash may have left at the end of the last one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"

namespace bulkhead {

struct LogFile {
  uint64_t start = 0;  // position of its first record
  uint64_t previous_end =
      0;               // where the file before it ends: what lies there at or after that is void
  uint64_t bytes = 0;  // size on disk
};

std::string LogFileName(uint64_t start);
std::string LogFilePath(const std::string& dir, uint64_t start);

// All of them by start, each with its header read. kCorruption: a header is damaged or the files do
// not follow each other; kUnavailable: written by a newer version. Other names in the directory are
// left out.
Result<std::vector<LogFile>> ListLogFiles(FileSystem& fs, const std::string& dir);

struct LogTail {
  uint64_t records = 0;
  uint64_t end = 0;         // position after the last whole record
  uint64_t torn_bytes = 0;  // what follows: a group that was never acknowledged
};

// Walks all records of the last file, whose bytes these are (header included). A bad record is the
// end, unless a whole record after it tells that it had been durable: then kCorruption.
Result<LogTail> ScanLastFile(std::string_view bytes, uint64_t start);

// Walks the records of a file up to `end`; kCorruption unless every one is whole and the last ends
// there.
Result<uint64_t> CheckRecords(std::string_view bytes, uint64_t start, uint64_t end);

}  // namespace bulkhead
