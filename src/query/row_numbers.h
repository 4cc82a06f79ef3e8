// Sums, averages and ranges of an `on` expression that reads several properties or fields of the
// event, so that it has to be evaluated for each event. Where it reads one property the insights
// report is faster: once per distinct value.
#pragma once

#include "query/mixpanel_reports.h"
#include "query/report_context.h"

namespace bulkhead {

// request.kind is kSum, kAverage or kNumeric.
Result<SeriesTable> RunRowNumbers(const ReportContext& context, const SegmentationRequest& request);

}  // namespace bulkhead
