// The durable log's one writer. Append queues; a thread of its own gathers what is queued, writes
// it with one write and one fdatasync, then calls each `done`. Nothing is acknowledged before it is
// durable; after any failure of the disk nothing that was not acknowledged stands in the way of
// what comes (docs/formats/log.md).
//
// What it writes is encrypted to its readers. It has no key of theirs and forgets each group's own
// key before the group is written, so that it cannot read what it wrote; after a restart it begins
// a new file. Opening, recovery and trimming need no key.
//
// One writer per directory: the caller holds the lock on the data directory. All functions are
// thread-safe. The file system must outlive the writer. Destruction writes what is queued, calls
// every `done`, then returns.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file_system.h"
#include "base/limits.h"
#include "base/result.h"
#include "log/log_cipher.h"
#include "log/log_files.h"

namespace bulkhead {

struct LogWriterOptions {
  uint64_t file_bytes = limits::kLogFileBytes;  // a new file is begun past this
  uint32_t file_groups = kMostGroupsInLogFile;  // or after so many groups; no more than these
  uint64_t min_free_bytes =
      limits::kMinFreeDiskBytes;             // with less left on the disk, appends answer kLimit
  uint64_t max_total_bytes = 0;              // of all files together, likewise; 0 = no bound
  size_t max_group_bytes = size_t{8} << 20;  // written and synced at once; one record may be larger
  size_t max_queued_bytes = size_t{128} << 20;  // waiting in memory; more answers kLimit
  // New records get positions from here on even where the log ends earlier (its directory was lost,
  // its followers were not): no follower then takes a new record for one it has seen.
  uint64_t at_least_position = 0;
  // Gets each acknowledgement with the position up to which the log is then durable, and calls it
  // now or later, exactly once; null = now.
  std::function<void(uint64_t durable_end, std::function<void()> acknowledge)> pace = {};
};

// What opening found.
struct LogRecovery {
  uint64_t records = 0;          // whole records in the last file
  uint64_t truncated_bytes = 0;  // of an unfinished group, cut off
};

struct LogStats {
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t first_position = 0;  // the oldest that is still there
  uint64_t durable_end = 0;
  uint64_t groups = 0;
  uint64_t records = 0;
  uint64_t failed_groups = 0;  // the disk failed
  uint64_t refused = 0;        // kLimit
  uint64_t queued_bytes = 0;
};

class LogWriter {
 public:
  // The position of the record, or why it is not in the log:
  //   kLimit        nearly full, or too much is waiting: nothing is wrong with the record, send it
  //   again later kUnavailable  the disk failed, or the writer is closing: it may or may not be
  //   there after a crash, whole kInvalid      empty, or larger than limits::kMaxLogRecordBytes
  //   kCorruption   what was durable can no longer be read
  using Done = std::function<void(Result<uint64_t>)>;

  // Makes the directory if there is none, cuts off the unfinished group that a crash may leave at
  // the end, and makes the rest durable. kCorruption: a record that was acknowledged is damaged;
  // nothing is changed then. kInvalid: no reader, or more than kMostLogReaders.
  static Result<std::unique_ptr<LogWriter>> Open(FileSystem& fs, const std::string& dir,
                                                 std::vector<LogReaderKey> readers,
                                                 LogWriterOptions options = {});
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // The payload is wiped once it is encrypted. `done` is called exactly once, on the writer's
  // thread or, where the answer is known at once, on the caller's. It should be short (the next
  // group waits for it), and must not throw or destroy the writer.
  void Append(std::string payload, Done done);

  // Begins a new file, so that everything appended so far can be trimmed. `done` as Append's, with
  // the new file's start.
  void Roll(Done done);

  // Seals the keys of the files that are begun from now on to these instead. kInvalid as for Open.
  Result<void> SetReaders(std::vector<LogReaderKey> readers);

  // Every record before this position is durable. Followers read up to here.
  [[nodiscard]] uint64_t durable_end() const {
    return durable_end_.load(std::memory_order_acquire);
  }
  // Waits until durable_end() is past `position`; false if it still is not after `timeout`.
  bool WaitForData(uint64_t position, std::chrono::milliseconds timeout) const;

  // Removes the files that hold nothing at or after `position`; never the newest.
  Result<void> TrimBefore(uint64_t position);

  [[nodiscard]] const LogRecovery& recovery() const { return recovery_; }
  [[nodiscard]] LogStats stats() const;

 private:
  struct Pending {
    std::string payload;
    Done done;
    bool roll = false;  // no record
  };
  LogWriter(FileSystem& fs, std::string dir, LogWriterOptions options)
      : fs_(fs), dir_(std::move(dir)), options_(std::move(options)) {}

  Result<void> MakeDirectory();
  Result<void> Recover();
  Result<void> RecoverLastFile();
  Result<void> RewriteLastGroup(std::string_view bytes, const LogTail& tail);
  Result<void> RemoveTemporaries();
  void Run();
  std::vector<Pending> TakeGroup();
  void WriteGroup(std::vector<Pending>* group);
  void BeginFileFor(Pending* roll);
  Result<void> PrepareFor(uint64_t bytes);
  Result<void> HasRoomFor(uint64_t bytes);
  Result<void> BeginFile();
  Result<void> VerifyOldFile();
  void EndFile();
  void GiveUpFile(uint64_t attempted_bytes);
  void Publish(uint64_t end, size_t records);
  void Refuse(std::vector<Pending>* group, const Error& error);

  FileSystem& fs_;
  const std::string dir_;
  const LogWriterOptions options_;
  LogRecovery recovery_;

  // Of the writer's thread alone, once it runs.
  std::unique_ptr<AppendFile> file_;  // null: a new file must be begun before anything is written
  std::optional<LogEncryptor> encryptor_;  // of file_
  uint64_t file_start_ = 0;                // of the newest file; 0 = there is none
  size_t file_header_bytes_ = 0;
  uint64_t file_end_ = 0;         // position after its last durable record
  uint64_t next_start_ = 0;       // where the next file begins
  bool verify_old_file_ = false;  // a write or sync failed: read the old file back before going on
  std::optional<Error> damaged_;  // reading it back showed that it is
  std::string buffer_;

  std::atomic<uint64_t> durable_end_{0};
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable queued_;
  mutable std::condition_variable advanced_;
  std::vector<LogReaderKey> readers_;
  std::deque<Pending> queue_;
  size_t queued_bytes_ = 0;
  bool closing_ = false;
  std::vector<LogFile> files_;  // by start; the last one is being written
  LogStats counts_;
  std::mutex trim_mutex_;  // one trim at a time
  std::thread thread_;
};

}  // namespace bulkhead
