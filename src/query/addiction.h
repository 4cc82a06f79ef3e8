// Frequency: in how many hours of a day (or days of a week) persons were active.
#pragma once

#include "query/mixpanel_reports.h"
#include "query/report_context.h"

namespace bulkhead {

Result<AddictionResult> RunAddiction(const ReportContext& context, const AddictionRequest& request);

}  // namespace bulkhead
