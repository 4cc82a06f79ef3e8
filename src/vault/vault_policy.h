// What the operator decides about the vault: DIR/vault.conf, lines of "name = value"
// (docs/vault.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vault/guess_limit.h"

namespace bulkhead {

struct VaultPolicy {
  // What a reveal, an erasure or an export may be for; anything else is refused.
  std::vector<std::string> purposes = {"support request",   "access request",   "erasure request",
                                       "security incident", "legal obligation", "data quality"};
  int64_t export_lock_ms = 24LL * 3600 * 1000;  // from asking for a bulk export to its first page
  GuessRate guesses;
};

// The defaults, with what the text says in their place; `purpose` may be given many times, and then
// only those hold. Errors (kInvalid) name the line.
Result<VaultPolicy> ParseVaultPolicy(std::string_view text);

}  // namespace bulkhead
