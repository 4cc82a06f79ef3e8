// Reports for readers outside of the organisation: counts of fewer than `small_count` people are
// not shown, nor what would give them away (query/suppression.h). What a cell counts (events, sums,
// averages) does not matter, only how many people are behind it. docs/reports.md.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "model/report.h"
#include "query/report_context.h"

namespace bulkhead {

Result<InsightsResult> RunSharedInsights(const ReportContext& context, const InsightsReport& report,
                                         uint64_t small_count);
Result<FunnelResult> RunSharedFunnel(const ReportContext& context, const FunnelReport& report,
                                     uint64_t small_count);
Result<RetentionResult> RunSharedRetention(const ReportContext& context,
                                           const RetentionReport& report, uint64_t small_count);

}  // namespace bulkhead
