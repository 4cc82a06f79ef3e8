// The policy file: TOML text to a Policy. docs/policy-schema.md is the schema. Pure; safe on
// arbitrary bytes.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/policy.h"

namespace bulkhead {

inline constexpr size_t kMaxPolicyBytes = 256UL * 1024;

// kInvalid: every mistake (the first twenty), one per line, as "FILE:LINE: KEY: what is wrong".
// `file` is the name that they begin with. Unknown keys are mistakes, and so is keeping more than
// the defaults do without saying why.
Result<Policy> ParsePolicy(std::string_view toml, std::string_view file);

}  // namespace bulkhead
