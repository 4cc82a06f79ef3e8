// The policy in force, for compartments that neither read policy.toml nor clean events: what the
// audit compartment put on record last. Not thread-safe.
#pragma once

#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "model/policy.h"

namespace bulkhead {

class PolicyFollower {
 public:
  PolicyFollower(FileSystem* fs, std::string versions_dir)
      : fs_(fs), versions_dir_(std::move(versions_dir)) {}

  // Looks at what is on record now; whether it is another policy than at the last look, or the
  // first. An error leaves the policy that was seen before.
  Result<bool> Look();
  // The defaults before the first look.
  [[nodiscard]] const Policy& policy() const { return policy_; }

 private:
  FileSystem* fs_;
  std::string versions_dir_;
  bool looked_ = false;
  uint32_t number_ = 0;
  Policy policy_;
};

}  // namespace bulkhead
