// A drill's check: everything that the vendor has, counted one by one, beside what the ledger says.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "incident/drill_report.h"

namespace bulkhead {

// `stolen`: an event or a profile a line, as main/drill_vendor.h exports them. `canaries`: the ids
// that the vendor knows them by, without hyphens, whose messages count and who do not, as in the
// ledger. The first row is of all, then each field. kInvalid: a line is none of these.
Result<std::vector<DrillCount>> CountAgainstLedger(std::string_view stolen,
                                                   const std::set<std::string>& canaries,
                                                   const IncidentExposure& ledger);

}  // namespace bulkhead
