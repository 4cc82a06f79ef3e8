// `bulkhead vendor radius ...`: blast radius as a number (docs/vendors.md), of a running server or
// of policy files alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace bulkhead {

struct VendorRadiusCommand {
  std::string dir;               // data directory; else policy files:
  std::string policy, against;   // the candidate, and what it is held against; empty: nothing
  std::string max_rise;          // "10%"; empty: no bound
  std::optional<uint32_t> most;  // points of all vendors together
  bool json = false;
};

// Of each vendor by what it was sent and by what its policy could let through, of each credential,
// and of this server's own parts.
Result<void> CommandVendorRadius(const VendorRadiusCommand& command);
// Without a server. kDenied where a bound does not hold.
Result<void> CommandPolicyRadius(const VendorRadiusCommand& command);

}  // namespace bulkhead
