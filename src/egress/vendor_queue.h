// What waits for one vendor: payloads in order, durable, encrypted (log/log_writer.h), read from
// where the last one was done with. Also keeps dead letters. One thread puts, one takes.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"
#include "log/log_follower.h"
#include "log/log_writer.h"

namespace bulkhead {

struct QueuedPayload {
  uint64_t position = 0;
  uint64_t next_position = 0;
  std::string payload;
};

class VendorQueue {
 public:
  struct Options {
    uint64_t max_bytes = 0;  // of all that waits
  };
  // `dir` is made if absent. `fs` outlives the queue.
  static Result<std::unique_ptr<VendorQueue>> Open(FileSystem& fs, const std::string& dir,
                                                   const SealKeyPair& keys, const Options& options);
  VendorQueue(const VendorQueue&) = delete;
  VendorQueue& operator=(const VendorQueue&) = delete;

  // Durable when it returns. kLimit: full.
  Result<void> Put(std::string payload);

  // The next payload behind what was taken; nothing: none yet.
  Result<std::optional<QueuedPayload>> Take();
  // Everything before `position` is done with, for good. What was taken behind it is taken again.
  Result<void> Done(uint64_t position);
  // Takes again what was taken and is not done.
  void Rewind() { reader_.reset(); }
  // Everything that waits is written anew behind its end, as `change` has it (nothing: left out),
  // and the old bytes are removed, bit by bit, so that a full queue can be changed too. After an
  // error or a crash the rest waits where it was, and a little of it may be there twice. While
  // nobody else puts.
  using Change = std::function<Result<std::optional<std::string>>(std::string payload)>;
  Result<void> Rewrite(const Change& change);

  [[nodiscard]] uint64_t done_position() const { return done_; }
  [[nodiscard]] uint64_t end_position() const { return writer_->durable_end(); }
  [[nodiscard]] uint64_t bytes() const { return writer_->stats().bytes; }
  [[nodiscard]] bool empty() const {
    return end_position() <= std::max<uint64_t>(done_, kFirstLogPosition);
  }

 private:
  VendorQueue(FileSystem& fs, std::string dir) : fs_(fs), dir_(std::move(dir)) {}
  Result<void> Append(std::string payload);
  Result<void> LoadDone();
  Result<void> OpenReader();

  FileSystem& fs_;
  const std::string dir_;
  uint64_t max_bytes_ = 0;
  SealKeyRing keys_;
  std::unique_ptr<LogWriter> writer_;
  std::optional<LogFollower> reader_;  // of the taking thread
  std::atomic<uint64_t> done_{0};
};

}  // namespace bulkhead
