// A policy as text again: its canonical form, from which its version id is made.
#pragma once

#include <string>
#include <string_view>

#include "model/policy.h"

namespace bulkhead {

// The one text of a policy: equal policies have equal texts whatever order of keys, comments and
// spelling their files had, and ParsePolicy reads it back to the same policy.
std::string CanonicalPolicyText(const Policy& policy);

// SHA-256 of the canonical text in hexadecimal: the policy's version id.
std::string PolicyHash(std::string_view canonical_text);

}  // namespace bulkhead
