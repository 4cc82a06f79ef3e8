// Reads the log's records in order, from any position on, while the writer appends. One follower
// belongs to one thread; any number of them may read the same directory. The file system must
// outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "log/log_files.h"

namespace bulkhead {

struct LogRecord {
  uint64_t position = 0;
  uint64_t next_position = 0;  // where to go on reading after this one
  std::string payload;
};

class LogFollower {
 public:
  // `from_position` is 0 for the oldest record there is, or a next_position. Answers kNotFound
  // where it was trimmed away.
  //
  // `durable_end` is the writer's: nothing at or after it is read, everything before it must be
  // there. Without it (no writer runs, as for a dump) the log ends before the unfinished group that
  // a crash may leave.
  static Result<LogFollower> Open(FileSystem& fs, const std::string& dir, uint64_t from_position,
                                  std::function<uint64_t()> durable_end = {});

  // The next record; nullopt: none yet, ask again later. After an error (kCorruption, kUnavailable,
  // kNotFound) the follower stays where it was, so that the call may be repeated.
  Result<std::optional<LogRecord>> Next();

  [[nodiscard]] uint64_t position() const { return position_; }

 private:
  LogFollower(FileSystem& fs, std::string dir, uint64_t position, std::function<uint64_t()> end)
      : fs_(&fs), dir_(std::move(dir)), position_(position), durable_end_(std::move(end)) {}

  Result<bool> FindFile();
  Result<std::optional<LogRecord>> ReadRecord(uint64_t limit);
  Result<std::string_view> Bytes(uint64_t size, uint64_t limit);
  Result<std::optional<LogRecord>> AtBadRecord();

  FileSystem* fs_;
  std::string dir_;
  uint64_t position_;
  std::function<uint64_t()> durable_end_;

  std::unique_ptr<ReadFile> file_;
  uint64_t file_start_ = 0;
  std::optional<uint64_t> file_end_;  // where the following file says that this one ends
  uint64_t listed_at_ = 0;            // the durable end before the directory was last listed
  std::string buffer_;
  uint64_t buffer_position_ = 0;
};

}  // namespace bulkhead
