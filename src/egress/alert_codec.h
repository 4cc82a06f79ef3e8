// First hits of sieve rules as intake hands them to egress. Both ends are this program; intake may
// be in somebody else's hands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sieve/sieve_counters.h"

namespace bulkhead {

inline constexpr uint8_t kEgressFirstHits = 1;  // the kind of the call; answers nothing
inline constexpr size_t kMaxHitsInCall = 256;
inline constexpr size_t kMaxHitTextBytes = 1024;  // of a rule, path or library

std::string EncodeFirstHits(const std::vector<FirstHit>& hits);
// kInvalid: not what EncodeFirstHits writes, or over one of the limits.
Result<std::vector<FirstHit>> DecodeFirstHits(std::string_view bytes);

}  // namespace bulkhead
