// The retention report: of those who did one event, how many did another in each later bucket.
#pragma once

#include "query/report_context.h"

namespace bulkhead {

Result<RetentionResult> RunRetention(const ReportContext& context, const RetentionReport& report);

}  // namespace bulkhead
