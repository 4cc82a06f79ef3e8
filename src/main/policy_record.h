// What the audit compartment does about policy: it alone says which version comes into force. The
// compartment that noticed a change says which version it read; what the file holds is looked up
// here again, so that whoever owns that compartment cannot bring another policy into force.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "audit/audit_entry.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "main/data_directory.h"
#include "sieve/policy_versions.h"

namespace bulkhead {

// The action of its entries; their policy is the number, none where the file was refused.
inline constexpr std::string_view kPolicyChangeAction = "policy.change";

// Thread-safe.
class PolicyRecord {
 public:
  // More in one hour are refused: versions are kept for ever.
  static constexpr size_t kMaxChangesPerHour = 120;

  struct Parts {
    FileSystem* fs = nullptr;  // what it writes is readable by all compartments
    const Clock* clock = nullptr;
    std::function<Result<void>(const AuditEntry&)> append;  // durable when it returns
  };
  PolicyRecord(const DataDirectory& dir, Parts parts)
      : file_(dir.PolicyFile()),
        versions_dir_(dir.PolicyVersions()),
        parts_(std::move(parts)),
        versions_(parts_.fs, versions_dir_) {}

  // The policy file has this version now: writes that down and brings it into force; its number.
  // kInvalid where the file says otherwise, kLimit beyond kMaxChangesPerHour.
  Result<uint32_t> Accept(std::string_view version);
  // The policy file has mistakes: writes down that it was refused.
  Result<void> Refuse();

 private:
  Result<void> Count();
  [[nodiscard]] Result<uint32_t> InForce(std::string_view version) const;

  std::string file_;
  std::string versions_dir_;
  Parts parts_;
  PolicyVersions versions_;
  std::mutex mutex_;
  std::deque<int64_t> changes_ms_;  // of the last hour
};

}  // namespace bulkhead
