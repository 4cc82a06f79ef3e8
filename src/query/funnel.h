// The funnel report: how many persons went through the steps, where they stopped and how long it
// took.
#pragma once

#include "query/report_context.h"

namespace bulkhead {

Result<FunnelResult> RunFunnel(const ReportContext& context, const FunnelReport& report);

}  // namespace bulkhead
