// The sessions report: docs/reports.md.
#pragma once

#include "model/sessions_report.h"
#include "query/report_context.h"

namespace bulkhead {

// kInvalid: a report that the parser would not let through, or more cells than one may have.
Result<SessionsResult> RunSessions(const ReportContext& context, const SessionsReport& report);

}  // namespace bulkhead
