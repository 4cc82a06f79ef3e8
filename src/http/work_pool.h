// A few threads and a bounded queue: reports run here and never on an io thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace bulkhead {

class WorkPool {
 public:
  WorkPool(int threads, size_t max_queued);
  ~WorkPool();  // finishes what is running and drops what is queued
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  // False: the queue is full or the pool has stopped; the task was not taken.
  [[nodiscard]] bool TryPost(std::function<void()> task);
  // The next piece of something already admitted: never refused while the pool runs.
  void PostNext(std::function<void()> task);
  void Stop();

 private:
  void Work();

  const size_t max_queued_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace bulkhead
