// Which class of data a field that went to a vendor is of, in Fideslang's names: told by people,
// else by a rule of the policy, else by the field's name. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "egress/ledger.h"
#include "model/policy.h"

namespace bulkhead {

// What no name tells is "user": it may be anything.
std::string ClassOfName(std::string_view name);

class ExposedClasses {
 public:
  ExposedClasses(std::map<std::string, std::string> told, const ProjectPolicy& policy)
      : told_(std::move(told)), policy_(&policy) {}  // the policy outlives it

  [[nodiscard]] std::string Of(const std::string& field) const;
  // Of all fields that say anything (a token says nothing), and of the id that the vendor knows
  // everybody by.
  [[nodiscard]] std::set<std::string> Of(const SentFields& fields) const;

 private:
  std::map<std::string, std::string> told_;
  const ProjectPolicy* policy_;
};

inline constexpr std::string_view kVendorIdClass = "user.unique_id";

// What stands for fields where it is not known which they were. Of what may hold an address it is
// assumed.
inline constexpr std::string_view kAnyEventField = "any property of events";
inline constexpr std::string_view kAnyProfileField = "any property of the profile";
inline constexpr std::string_view kAnyIdentity = "any identity";
inline constexpr std::string_view kRawRequest = "raw requests";

}  // namespace bulkhead
