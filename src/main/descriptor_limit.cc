#include "main/descriptor_limit.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>

namespace bulkhead {
namespace {

constexpr size_t kReserved = 256;  // for all files that are open at once
constexpr size_t kFewestConnections = 16;

}  // namespace

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) spdlog::warn("the limit on open files stays low");
}

size_t ConnectionsPerListener(size_t wanted, size_t listeners) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return wanted;
  const size_t all = limit.rlim_cur > kReserved ? limit.rlim_cur - kReserved : 0;
  const size_t most = std::max(all / std::max<size_t>(1, listeners), kFewestConnections);
  if (most < wanted) {
    spdlog::warn("the limit on open files allows {} connections instead of {}", most, wanted);
  }
  return std::min(wanted, most);
}

}  // namespace bulkhead
