// Reads the log's records in order, from any position on, while the writer appends. One follower
// belongs to one thread; any number of them, in any processes, may read the same directory. The
// file system and the keys must outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"
#include "log/log_cipher.h"
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
  // where it was trimmed away, kDenied where the file there is sealed to none of `keys`, those of
  // one reader.
  //
  // `durable_end` is the writer's: nothing at or after it is read, everything before it must be
  // there. Without it (no writer runs, as for a dump) the log ends before the unfinished group that
  // a crash may leave.
  static Result<LogFollower> Open(FileSystem& fs, const std::string& dir, const SealKeyRing& keys,
                                  uint64_t from_position,
                                  std::function<uint64_t()> durable_end = {});

  // The next record; nullopt: none yet, ask again later. After an error (kCorruption, kUnavailable,
  // kNotFound, kDenied) the follower stays where it was, so that the call may be repeated.
  Result<std::optional<LogRecord>> Next();

  [[nodiscard]] uint64_t position() const { return position_; }

 private:
  LogFollower(FileSystem& fs, std::string dir, const SealKeyRing& keys, uint64_t position)
      : fs_(&fs), dir_(std::move(dir)), keys_(&keys), position_(position) {}

  Result<bool> FindFile();
  Result<void> OpenFile(uint64_t start);
  Result<std::optional<LogRecord>> ReadRecord(uint64_t limit);
  Result<std::string_view> Bytes(uint64_t size, uint64_t limit);
  Result<std::optional<LogRecord>> AtBadRecord();

  FileSystem* fs_;
  std::string dir_;
  const SealKeyRing* keys_;
  uint64_t position_;
  std::function<uint64_t()> durable_end_;

  std::unique_ptr<ReadFile> file_;
  LogHeader header_;                       // of file_
  std::optional<LogDecryptor> decryptor_;  // kept while the header stays the same
  std::optional<uint64_t> file_end_;       // where the following file says that this one ends
  uint64_t listed_at_ = 0;                 // the durable end before the directory was last listed
  std::string buffer_;
  uint64_t buffer_position_ = 0;
};

}  // namespace bulkhead
