// The sections of a drill's report that compare, count down and check. Inside incident/, for
// drill_page.cc. Pure.
#pragma once

#include "incident/drill_page.h"

namespace bulkhead {

DrillSection ThenAndNow(const DrillReport& report);
DrillSection Duties(const DrillReport& report);
DrillSection Drafts(const DrillReport& report);
DrillSection Stopped(const DrillReport& report);
DrillSection Checked(const DrillReport& report);
DrillSection Stopwatch(const DrillReport& report);
DrillSection Limits(const DrillReport& report);

}  // namespace bulkhead
