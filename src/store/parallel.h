// Runs task(0) .. task(tasks - 1) on up to `threads` threads, the caller's among them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace bulkhead {

template <typename Task>
void RunParallel(size_t tasks, int threads, Task&& task) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < tasks; i = next++) {
      task(i);
    }
  };
  std::vector<std::jthread> helpers;
  const size_t wanted = std::min(tasks, static_cast<size_t>(std::max(threads, 1)));
  for (size_t i = 1; i < wanted; ++i) {
    helpers.emplace_back(work);
  }
  work();
}

}  // namespace bulkhead
