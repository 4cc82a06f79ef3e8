// Mixpanel's segmentation answers, made of insights reports.
#pragma once

#include "query/mixpanel_reports.h"
#include "query/report_context.h"

namespace bulkhead {

Result<SeriesTable> RunSegmentation(const ReportContext& context,
                                    const SegmentationRequest& request);
Result<SeriesTable> RunEvents(const ReportContext& context, const EventsRequest& request);
Result<SeriesTable> RunEventPropertySeries(const ReportContext& context,
                                           const EventPropertyRequest& request);
Result<std::vector<std::string>> RunPropertyValues(const ReportContext& context,
                                                   const NamesRequest& request);
Result<CohortTable> RunCohortRetention(const ReportContext& context,
                                       const CohortRetentionRequest& request);

// The `days` days that end with today.
DateRange LastDays(const ReportContext& context, int64_t days);

}  // namespace bulkhead
