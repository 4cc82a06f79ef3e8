// What insights make of their lines: rolling means, running sums, and the same of an earlier time
// beside them. Pure but for the reports that they run.
#pragma once

#include "query/report_context.h"

namespace bulkhead {

// RunInsights, and what the report asks to be made of its lines.
Result<InsightsResult> RunInsightsLines(const ReportContext& context, const InsightsReport& report);

// The range so much earlier; days of months that do not have them become the month's last.
// kInvalid: no dates.
Result<DateRange> EarlierRange(const DateRange& range, const InsightsComparison& by);

}  // namespace bulkhead
