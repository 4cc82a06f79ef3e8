// How alike two subjects are in what they have done, and the counting of it. Pure; inside egress/,
// for canaries.
#pragma once

#include <cstdint>

#include "egress/canary_memory.h"

namespace bulkhead {

// One more event, of a name with that hash. Half an hour without any ends a session.
void CountEvent(uint64_t name, int64_t time_ms, CanaryActivity* activity);

// The nearer the more alike, as of that moment.
double CanaryDistance(const CanaryActivity& a, const CanaryActivity& b, int64_t now_ms);

}  // namespace bulkhead
