// What this version does not answer of what a funnel can say, for saving and for asking alike.
#pragma once

#include "base/result.h"
#include "model/report.h"

namespace bulkhead {

// kInvalid names the member that is not answered.
Result<void> CheckFunnelIsAnswered(const FunnelReport& report);

}  // namespace bulkhead
