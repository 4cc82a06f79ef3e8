// Work on several threads, the caller's among them. An exception of one (such as bad_alloc in a
// report) stops the others' next steps and is thrown to the caller when all have ended.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace bulkhead {

// Deals task(0) .. task(tasks - 1) out to up to `threads` workers: task(worker, i).
template <typename Task>
void RunDealt(size_t tasks, int threads, Task&& task) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::exception_ptr thrown;
  const auto work = [&](size_t worker) {
    try {
      for (size_t i = next++; i < tasks; i = next++) {
        task(worker, i);
      }
    } catch (...) {
      next = tasks;
      const std::lock_guard lock(mutex);
      if (!thrown) thrown = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    const size_t wanted = std::min(tasks, static_cast<size_t>(std::max(threads, 1)));
    for (size_t i = 1; i < wanted; ++i) {
      others.emplace_back(work, i);
    }
    work(0);
  }
  if (thrown) std::rethrow_exception(thrown);
}

template <typename Task>
void RunParallel(size_t tasks, int threads, Task&& task) {
  RunDealt(tasks, threads, [&](size_t, size_t i) { task(i); });
}

}  // namespace bulkhead
