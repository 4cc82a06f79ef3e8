// Resource limits of a process (setrlimit) and the descriptors that it keeps.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace bulkhead {

// 0 = leave as it is.
struct ResourceLimits {
  uint64_t memory_bytes = 0;
  uint64_t file_bytes = 0;
  uint64_t threads = 0;
  uint64_t descriptors = 0;
};

// No core dumps; the limits as both soft and hard, never above a lower hard limit that is set
// already. Writing past the limit of a file is an error (EFBIG), not a signal. `threads` bounds all
// tasks of the user, and nothing for user 0.
Result<void> LimitResources(const ResourceLimits& limits);

// Tasks (threads) that this user runs now.
uint64_t CountTasksOfUser(uint32_t uid);

// Closes every descriptor but 0, 1, 2 and `kept`.
Result<void> CloseDescriptorsExcept(std::vector<int> kept);

// Threads of this process.
uint64_t CountOwnThreads();

}  // namespace bulkhead
