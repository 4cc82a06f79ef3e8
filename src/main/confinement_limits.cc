#include "main/confinement_limits.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

namespace bulkhead {
namespace {

constexpr uint64_t kLockedMemoryBytes = 64ULL * 1024 * 1024;  // secrets in locked pages

// What getrlimit and setrlimit take: an enumeration in glibc's C++.
using Kind = decltype(RLIMIT_CORE);

Result<void> Limit(Kind kind, uint64_t wanted, const char* name) {
  rlimit limit{};
  if (::getrlimit(kind, &limit) == 0) {
    const rlim_t most = std::min<rlim_t>(wanted, limit.rlim_max);
    limit = {most, most};
    if (::setrlimit(kind, &limit) == 0) return {};
  }
  return Error{ErrorCode::kUnavailable,
               fmt::format("cannot limit {}: {}", name, std::strerror(errno))};
}

// Only the privileged may raise it; others keep what they have.
void RaiseLockedMemory() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur >= kLockedMemoryBytes) return;
  limit.rlim_cur = kLockedMemoryBytes;
  limit.rlim_max = std::max<rlim_t>(limit.rlim_max, kLockedMemoryBytes);
  ::setrlimit(RLIMIT_MEMLOCK, &limit);
}

template <typename Visit>
void ForEachEntry(const std::string& directory, const Visit& visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), ::closedir);
  if (!dir) return;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') visit(std::string(entry->d_name));
  }
}

}  // namespace

Result<void> LimitResources(const ResourceLimits& limits) {
  struct Wanted {
    Kind kind;
    uint64_t value;
    bool set;
    const char* name;
  };
  RaiseLockedMemory();
  std::signal(SIGXFSZ, SIG_IGN);
  const Wanted all[] = {
      {RLIMIT_CORE, 0, true, "core files"},
      {RLIMIT_MSGQUEUE, 0, true, "message queues"},
      {RLIMIT_NICE, 0, true, "priority"},
      {RLIMIT_RTPRIO, 0, true, "real-time priority"},
      {RLIMIT_DATA, limits.memory_bytes, limits.memory_bytes > 0, "memory"},
      {RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes > 0, "the size of files"},
      {RLIMIT_NPROC, limits.threads, limits.threads > 0, "threads"},
      {RLIMIT_NOFILE, limits.descriptors, limits.descriptors > 0, "descriptors"},
  };
  for (const Wanted& wanted : all) {
    if (!wanted.set) continue;
    if (Result<void> done = Limit(wanted.kind, wanted.value, wanted.name); !done) return done;
  }
  return {};
}

uint64_t CountTasksOfUser(uint32_t uid) {
  uint64_t count = 0;
  ForEachEntry("/proc", [&](const std::string& process) {
    // Not the directory's owner: that is 0 for a process that cannot be dumped.
    std::ifstream status("/proc/" + process + "/status");
    uint64_t threads = 0;
    bool own = false;
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("Uid:")) own = std::strtoul(line.c_str() + 4, nullptr, 10) == uid;
      if (line.starts_with("Threads:")) threads = std::strtoul(line.c_str() + 8, nullptr, 10);
    }
    if (own) count += threads;
  });
  return count;
}

Result<void> CloseDescriptorsExcept(std::vector<int> kept) {
  kept.insert(kept.end(), {0, 1, 2});
  std::sort(kept.begin(), kept.end());
  unsigned first = 0;
  for (const int fd : kept) {
    if (fd < 0) continue;
    const unsigned next = static_cast<unsigned>(fd);
    if (next > first && ::syscall(SYS_close_range, first, next - 1, 0) != 0) {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("cannot close descriptors: {}", std::strerror(errno))};
    }
    first = std::max(first, next + 1);
  }
  if (::syscall(SYS_close_range, first, UINT_MAX, 0) != 0) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("cannot close descriptors: {}", std::strerror(errno))};
  }
  return {};
}

uint64_t CountOwnThreads() {
  uint64_t count = 0;
  ForEachEntry("/proc/self/task", [&](const std::string&) { ++count; });
  return count;
}

}  // namespace bulkhead
