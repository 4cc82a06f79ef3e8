// data/obligations.toml to plain data; docs/incident.md has the schema. Pure; safe on arbitrary
// bytes.
#pragma once

#include <string_view>

#include "base/result.h"
#include "incident/obligation_rule.h"

namespace bulkhead {

inline constexpr size_t kMaxObligationBytes = 1024UL * 1024;

// kInvalid: every mistake (the first twenty), one per line, as "FILE:LINE: KEY: what is wrong".
// Unknown keys are mistakes, and so are clocks, roles, field sets and duties that the file itself
// does not have.
Result<ObligationFile> ParseObligations(std::string_view toml, std::string_view file);

}  // namespace bulkhead
