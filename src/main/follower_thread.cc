#include "main/follower_thread.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

namespace bulkhead {
namespace {
constexpr std::chrono::milliseconds kWait{100};
constexpr std::chrono::milliseconds kRetry{500};
}  // namespace

FollowerThread::FollowerThread(Options options)
    : options_(std::move(options)), position_(options_.from_position), thread_([this] { Run(); }) {}

FollowerThread::~FollowerThread() {
  stop_ = true;
  thread_.join();
}

std::string FollowerThread::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void FollowerThread::SetTrouble(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (text != trouble_ && !text.empty()) {
    spdlog::error("{} stands still at log position {}: {}", options_.name, position(), text);
  }
  trouble_ = text;
}

// The log's writer may be starting still.
std::optional<LogFollower> FollowerThread::OpenLog() {
  while (!stop_) {
    if (options_.log.durable_end() < options_.from_position || options_.log.durable_end() == 0) {
      options_.log.WaitForData(options_.log.durable_end(), kWait);
      continue;
    }
    Result<LogFollower> follower =
        LogFollower::Open(*options_.fs, options_.log_dir, *options_.keys, options_.from_position,
                          [this] { return options_.log.durable_end(); });
    if (follower) {
      SetTrouble("");
      return *std::move(follower);
    }
    SetTrouble(follower.error().message);
    std::this_thread::sleep_for(kRetry);
  }
  return std::nullopt;
}

void FollowerThread::ApplyRecord(const LogRecord& record) {
  while (!stop_) {
    const Result<void> applied = options_.apply(record);
    if (applied) {
      SetTrouble("");
      position_.store(record.next_position, std::memory_order_release);
      return;
    }
    SetTrouble(applied.error().message);
    std::this_thread::sleep_for(kRetry);
  }
}

void FollowerThread::Run() {
  std::optional<LogFollower> follower = OpenLog();
  while (!stop_) {
    const uint64_t before = follower->position();
    const uint64_t end = options_.log.durable_end();
    Result<std::optional<LogRecord>> record = follower->Next();
    if (!record) {
      SetTrouble(record.error().message);
      std::this_thread::sleep_for(kRetry);
    } else if (record->has_value()) {
      ApplyRecord(**record);
    } else {
      // Nothing more before `end`: also an empty log is then followed to its end.
      position_.store(std::max(position(), end), std::memory_order_release);
      options_.idle(position());
      options_.log.WaitForData(before, kWait);
    }
  }
}

}  // namespace bulkhead
