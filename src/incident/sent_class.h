// What a field that vendors are sent says of a person, in Fideslang's words: what the policy's
// rules say of the property, else what its name is known for. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "model/policy.h"
#include "model/vendor_policy.h"

namespace bulkhead {

// `name` as the ledger has it, the words for an event's name and its time among them. Empty:
// nothing is known of it. Of form kToken it is always "user.unique_id": equal values are seen to be
// equal, and that is all.
std::string ClassOfSent(std::string_view name, FieldForm form, const ProjectPolicy& rules);

// Whether it names more than one property.
bool IsGlob(std::string_view pattern);
// The names that a vendor's field is known to let through: its own, or of a glob the well-known
// ones and those of rules that keep them. What the vault has is not among events' properties.
std::set<std::string> NamesUnder(const std::string& pattern, const ProjectPolicy& rules);

}  // namespace bulkhead
