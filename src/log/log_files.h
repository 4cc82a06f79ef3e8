// The files of a log directory, and what a crash may have left at the end of the last one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "log/log_format.h"

namespace bulkhead {

struct LogFile {
  // `start` is the position of its first record, `previous_end` where the file before it ends: what
  // lies there at or after that is void.
  LogHeader header;
  uint64_t bytes = 0;  // size on disk
};

std::string LogFileName(uint64_t start);
std::string LogFilePath(const std::string& dir, uint64_t start);

// The starts in the names of the log files, in order. Other names in the directory are left out.
Result<std::vector<uint64_t>> ListLogStarts(FileSystem& fs, const std::string& dir);

// One of them with its header read. kNotFound: there is none (it was trimmed); kCorruption: the
// header is damaged; kUnavailable: written by a newer version, or the disk failed.
Result<LogFile> ReadLogFile(FileSystem& fs, const std::string& dir, uint64_t start);

// All of them. kCorruption also where one is shorter than the next one says.
Result<std::vector<LogFile>> ListLogFiles(FileSystem& fs, const std::string& dir);

struct LogTail {
  uint64_t records = 0;
  uint64_t end = 0;               // position after the last whole record
  uint64_t last_group_start = 0;  // of the group of the last whole record; `end` if there is none
  uint64_t torn_bytes = 0;        // what follows: a group that was never acknowledged
};

// What follows takes the bytes of a file, the header that was decoded from them included. No key is
// needed: the checksums are those of the encrypted bytes.

// Walks all records of a last file. A bad record is the end, unless a whole record after it tells
// that it had been durable: then kCorruption.
Result<LogTail> ScanLastFile(std::string_view bytes, const LogHeader& header);

// Whether after the bad record at `position` stands a whole one that was written when this one was
// durable.
bool WasDurable(std::string_view bytes, const LogHeader& header, uint64_t position);

// Walks the records of a file up to `end`; kCorruption unless every one is whole and the last ends
// there.
Result<void> CheckRecords(std::string_view bytes, const LogHeader& header, uint64_t end);

}  // namespace bulkhead
