// `bulkhead vendor try`: what a policy would send, before it comes into force.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "main/exported_events.h"

namespace bulkhead {

struct VendorTrialCommand {
  std::string dir;      // data directory
  std::string file;     // the policy
  std::string vendor;   // this one alone; empty: all of the file
  ExportedRange range;  // but for its project, which is the vendor's
};

// Stored events under the file's vendors and under the same vendors of the policy in force: counts
// and shapes, no values. Nothing is sent. Profile updates are not among stored events.
Result<void> CommandVendorTry(const VendorTrialCommand& command);

}  // namespace bulkhead
