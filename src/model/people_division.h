// How the vendors of a policy divide the people among them, and which of them get the same ones all
// the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/vendor_policy.h"

namespace bulkhead {

// Gives each vendor that says no share its part among those of its project that say none either,
// paused ones included.
void DividePeople(VendorPolicies* policies);

// The others that it divides the people of its project with.
std::vector<std::string> DividesWith(const VendorPolicies& policies, std::string_view name);
// The others that get people whom it gets too, of whatever project: one id has one pseudonym in all
// of them. What these people do joins the two.
std::vector<std::string> GetsSamePeopleAs(const VendorPolicies& policies, std::string_view name);

// For people to read, a line each: who divides with whom, and what can be joined.
std::vector<std::string> DivisionInWords(const VendorPolicies& policies);

}  // namespace bulkhead
