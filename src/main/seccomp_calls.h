// The tables behind main/seccomp_filter.h: which system calls are free, which are allowed with some
// arguments only, which end the process.
#pragma once

#include <seccomp.h>

#include <string_view>
#include <vector>

#include "main/seccomp_filter.h"

namespace bulkhead {

// Allowed where every condition holds; a call may stand in several rules.
struct ConditionalCall {
  std::string_view call;
  std::vector<scmp_arg_cmp> conditions;
};

std::vector<ConditionalCall> ConditionalCalls(const SeccompAllowance& allowance);

// Calls that end the supervisor: EndingCalls() without what starting children takes.
const std::vector<std::string_view>& SupervisorEndingCalls();

}  // namespace bulkhead
