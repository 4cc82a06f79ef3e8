// Lifecycle: docs/reports.md.
#pragma once

#include "model/lifecycle_report.h"
#include "query/report_context.h"

namespace bulkhead {

// kInvalid: a range or unit that the parser would not let through.
Result<LifecycleResult> RunLifecycle(const ReportContext& context, const LifecycleReport& report);

}  // namespace bulkhead
