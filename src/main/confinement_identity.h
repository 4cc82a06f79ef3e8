// User, groups and capabilities of a process, given up for good.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"

namespace bulkhead {

struct Identity {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;  // supplementary
};

// Whether this process may become another user.
bool MayChangeUser();

// Becomes `identity` for good, where there is one, and gives up every capability: held, inherited,
// ambient and, where it may, the bounding set. kUnavailable where a step fails or can be undone.
Result<void> GiveUpPrivileges(const std::optional<Identity>& identity);

// No capability in any set of this thread that it could use.
bool HoldsNoCapability();

}  // namespace bulkhead
