#include "main/answer_pace.h"

#include <utility>
#include <vector>

namespace bulkhead {
namespace {

constexpr uint64_t kSlackBytes = 4UL * 1024 * 1024;  // of the log; some 60,000 events
constexpr std::chrono::milliseconds kLongest{400};
constexpr std::chrono::milliseconds kLook{50};

}  // namespace

AnswerPace::AnswerPace(uint64_t applied_position)
    : applied_(applied_position), watch_([this] { Watch(); }) {}

AnswerPace::~AnswerPace() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  watch_.join();
  Release(true);
}

void AnswerPace::Answer(uint64_t position, std::function<void()> answer) {
  if (position <= applied_.load(std::memory_order_acquire) + kSlackBytes) {
    answer();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({position, std::chrono::steady_clock::now() + kLongest, std::move(answer)});
    count_ = waiting_.size();
  }
  wake_.notify_one();
  Release(false);  // the store may have come near in between
}

void AnswerPace::Applied(uint64_t position) {
  applied_.store(position, std::memory_order_release);
  if (count_.load(std::memory_order_acquire) > 0) {
    Release(false);
  }
}

void AnswerPace::Release(bool all) {
  std::vector<std::function<void()>> due;
  {
    const std::lock_guard lock(mutex_);
    const uint64_t near = applied_.load(std::memory_order_acquire) + kSlackBytes;
    const auto now = std::chrono::steady_clock::now();
    while (!waiting_.empty() &&
           (all || waiting_.front().position <= near || waiting_.front().latest <= now)) {
      due.push_back(std::move(waiting_.front().answer));
      waiting_.pop_front();
    }
    count_ = waiting_.size();
  }
  for (const std::function<void()>& answer : due) {
    answer();
  }
}

void AnswerPace::Watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (waiting_.empty()) {
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      continue;
    }
    wake_.wait_for(lock, kLook, [this] { return stopping_; });
    lock.unlock();
    Release(false);
    lock.lock();
  }
}

}  // namespace bulkhead
