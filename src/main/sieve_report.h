// What the sieve refused, as GET /api/v1/sieve shows it: intake writes the reports of all projects
// on its board, core gives each asker that of their own project. Counts, rules and cleaned paths
// only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/ids.h"
#include "sieve/policy_trial.h"
#include "sieve/sieve_counters.h"

namespace bulkhead {

// Of all projects: {"1":{...},"2":{...}}, each
// {"refused":[{"rule","path","library","action","count","first_seen","last_seen","hours":[...]}],
//  "unknown":[{"event","property","count","first_seen","last_seen"}],
//  "trial":{"seen","changed","differences":[{"project","path","before","after","events"}]}},
// times in seconds, hours from the last backwards. `trial` may be null. At most `max_bytes`: what
// does not fit is left out, and its project's report says "truncated":true.
std::string SieveReports(const SieveCounters& counters, const PolicyTrial* trial, size_t max_bytes);

// One project's; an empty one where it has none. kUnavailable: the reports are no JSON.
Result<std::string> SieveReportOf(std::string_view reports, ProjectId project);

}  // namespace bulkhead
