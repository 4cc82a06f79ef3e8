// Flows: docs/reports.md.
#pragma once

#include "base/result.h"
#include "model/flow_report.h"
#include "query/report_context.h"

namespace bulkhead {

// kInvalid: a report that the parser would not let through, or more different paths than fit.
Result<FlowResult> RunFlow(const ReportContext& context, const FlowReport& report);

}  // namespace bulkhead
