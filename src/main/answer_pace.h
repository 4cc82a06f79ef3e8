// Holds back the answers of a sender who is faster than the store: what is answered can be queried
// at once, and a client that waits for its answers slows down to what the store can take. A store
// that stands still delays answers, and never for long: the log has what it has not applied.
// Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace bulkhead {

class AnswerPace {
 public:
  explicit AnswerPace(uint64_t applied_position);
  ~AnswerPace();  // gives every answer that is left
  AnswerPace(const AnswerPace&) = delete;
  AnswerPace& operator=(const AnswerPace&) = delete;

  // Calls `answer` once the store has applied nearly everything before `position`, or after a
  // while; on the caller's thread where that is so already.
  void Answer(uint64_t position, std::function<void()> answer);
  // Everything before this position has been applied.
  void Applied(uint64_t position);

 private:
  struct Waiting {
    uint64_t position;
    std::chrono::steady_clock::time_point latest;
    std::function<void()> answer;
  };
  void Release(bool all);
  void Watch();

  std::atomic<uint64_t> applied_;
  std::atomic<size_t> count_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;  // by position
  bool stopping_ = false;
  std::thread watch_;
};

}  // namespace bulkhead
