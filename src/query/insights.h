// The insights report: numbers about events over time, by segment, and arithmetic between them.
#pragma once

#include "query/report_context.h"

namespace bulkhead {

Result<InsightsResult> RunInsights(const ReportContext& context, const InsightsReport& report);

}  // namespace bulkhead
