#include "main/seccomp_filter.h"

#include <fmt/format.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "main/seccomp_calls.h"

namespace bulkhead {
namespace {

struct ReleaseFilter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, ReleaseFilter>;

Error Failed(std::string_view what, int code) {
  return Error{ErrorCode::kUnavailable,
               fmt::format("seccomp: cannot {}: {}", what, std::strerror(-code))};
}

Result<Filter> NewFilter(uint32_t default_action) {
  Filter filter(seccomp_init(default_action));
  if (!filter) return Error{ErrorCode::kUnavailable, "seccomp: cannot make a filter"};
  for (const auto& [attribute, value] :
       {std::pair{SCMP_FLTATR_ACT_BADARCH, static_cast<uint32_t>(SCMP_ACT_KILL_PROCESS)},
        std::pair{SCMP_FLTATR_CTL_OPTIMIZE, uint32_t{2}}}) {
    if (const int code = seccomp_attr_set(filter.get(), attribute, value); code != 0) {
      return Failed("set an attribute", code);
    }
  }
  return filter;
}

// A call that this architecture or this libseccomp does not know is left to the default, which
// refuses it.
Result<void> AddCall(void* filter, uint32_t action, std::string_view name,
                     const std::vector<scmp_arg_cmp>& conditions) {
  const int number = seccomp_syscall_resolve_name(std::string(name).c_str());
  if (number < 0) return {};
  const int code =
      seccomp_rule_add_array(filter, action, number, static_cast<unsigned>(conditions.size()),
                             conditions.empty() ? nullptr : conditions.data());
  if (code != 0 && code != -EEXIST) return Failed(fmt::format("add {}", name), code);
  return {};
}

Result<void> AddEnding(void* filter, const std::vector<std::string_view>& calls) {
  for (const std::string_view call : calls) {
    if (Result<void> added = AddCall(filter, SCMP_ACT_KILL_PROCESS, call, {}); !added) return added;
  }
  return {};
}

Result<void> Load(void* filter) {
  if (const int code = seccomp_load(filter); code != 0) return Failed("load the filter", code);
  return {};
}

}  // namespace

bool KernelHasSeccomp() {
  const uint32_t action = SECCOMP_RET_KILL_PROCESS;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

Result<void> EnforceChildFilter(const SeccompAllowance& allowance) {
  Result<Filter> filter = NewFilter(SCMP_ACT_ERRNO(ENOSYS));
  if (!filter) return filter.error();
  for (const SeccompGroup& group : AllowedGroups(allowance)) {
    for (const std::string_view call : group.calls) {
      Result<void> added = AddCall(filter->get(), SCMP_ACT_ALLOW, call, {});
      if (!added) return added;
    }
  }
  for (const ConditionalCall& call : ConditionalCalls(allowance)) {
    Result<void> added = AddCall(filter->get(), SCMP_ACT_ALLOW, call.call, call.conditions);
    if (!added) return added;
  }
  if (Result<void> added = AddEnding(filter->get(), EndingCalls()); !added) return added;
  return Load(filter->get());
}

Result<void> EnforceSupervisorFilter() {
  Result<Filter> filter = NewFilter(SCMP_ACT_ALLOW);
  if (!filter) return filter.error();
  if (Result<void> added = AddEnding(filter->get(), SupervisorEndingCalls()); !added) return added;
  return Load(filter->get());
}

}  // namespace bulkhead
