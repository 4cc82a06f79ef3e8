// A thread that follows the log from a position of its own and hands each record on, in order. A
// record that cannot be applied is tried again, for the log is the truth and skipping would lose an
// acknowledged event; health tells that it stands still. It begins as soon as the log's writer has
// said how far the log reaches.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/file_system.h"
#include "crypto/key_ring.h"
#include "log/log_follower.h"
#include "main/log_end.h"

namespace bulkhead {

class FollowerThread {
 public:
  using Apply = std::function<Result<void>(const LogRecord&)>;
  struct Options {
    std::string name;  // for messages: "store", "vault"
    FileSystem* fs = nullptr;
    std::string log_dir;
    const SealKeyRing* keys = nullptr;  // of this reader of the log; outlives the thread
    LogEnd log;
    uint64_t from_position = 0;
    Apply apply;
    std::function<void(uint64_t position)> idle = [](uint64_t) {};  // followed up to there
  };

  explicit FollowerThread(Options options);
  ~FollowerThread();
  FollowerThread(const FollowerThread&) = delete;
  FollowerThread& operator=(const FollowerThread&) = delete;

  // Every record before this position has been applied.
  [[nodiscard]] uint64_t position() const { return position_.load(std::memory_order_acquire); }
  // Why it stands still; empty while it moves.
  [[nodiscard]] std::string trouble() const;

 private:
  void Run();
  std::optional<LogFollower> OpenLog();
  void ApplyRecord(const LogRecord& record);
  void SetTrouble(const std::string& text);

  Options options_;
  std::atomic<uint64_t> position_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace bulkhead
