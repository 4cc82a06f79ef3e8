#include "sieve/policy_follower.h"

#include "sieve/policy_versions.h"

namespace bulkhead {

Result<bool> PolicyFollower::Look() {
  const Result<std::vector<PolicyVersion>> index = ReadPolicyIndex(*fs_, versions_dir_);
  if (!index) return index.error();
  const uint32_t number = index->empty() ? 0 : index->back().number;
  if (looked_ && number == number_) return false;
  Result<std::optional<PolicyInForce>> now = ReadPolicyInForce(*fs_, versions_dir_);
  if (!now) return now.error();
  policy_ = *now ? std::move((*now)->policy) : Policy();
  number_ = *now ? (*now)->version.number : 0;
  looked_ = true;
  return true;
}

}  // namespace bulkhead
