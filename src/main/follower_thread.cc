#include "main/follower_thread.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

namespace bulkhead {
namespace {
constexpr std::chrono::milliseconds kWait{100};
constexpr std::chrono::milliseconds kRetry{500};
}  // namespace

Result<std::unique_ptr<FollowerThread>> FollowerThread::Start(Options options) {
  LogWriter* log = options.log;
  Result<LogFollower> follower =
      LogFollower::Open(*options.fs, options.log_dir, *options.keys, options.from_position,
                        [log] { return log->durable_end(); });
  if (!follower) {
    return follower.error();
  }
  return std::unique_ptr<FollowerThread>(
      new FollowerThread(std::move(options), *std::move(follower)));
}

FollowerThread::FollowerThread(Options options, LogFollower follower)
    : options_(std::move(options)),
      follower_(std::move(follower)),
      position_(options_.from_position),
      thread_([this] { Run(); }) {}

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

void FollowerThread::Run() {
  while (!stop_) {
    const uint64_t before = follower_.position();
    const uint64_t end = options_.log->durable_end();
    Result<std::optional<LogRecord>> record = follower_.Next();
    if (!record) {
      SetTrouble(record.error().message);
      std::this_thread::sleep_for(kRetry);
      continue;
    }
    if (!record->has_value()) {
      // Nothing more before `end`: also an empty log is then followed to its end.
      position_.store(std::max(position(), end), std::memory_order_release);
      options_.log->WaitForData(before, kWait);
      continue;
    }
    for (Result<void> applied = options_.apply(**record); !stop_;
         applied = options_.apply(**record)) {
      if (applied) {
        SetTrouble("");
        position_.store((*record)->next_position, std::memory_order_release);
        break;
      }
      SetTrouble(applied.error().message);
      std::this_thread::sleep_for(kRetry);
    }
  }
}

}  // namespace bulkhead
