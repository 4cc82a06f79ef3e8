// Which events and properties there are, the commonest first.
#pragma once

#include "query/mixpanel_reports.h"
#include "query/report_context.h"

namespace bulkhead {

Result<std::vector<std::string>> RunEventNames(const ReportContext& context,
                                               const NamesRequest& request);
Result<std::vector<TopEvent>> RunTopEvents(const ReportContext& context,
                                           const NamesRequest& request);
Result<std::vector<PropertyCount>> RunTopProperties(const ReportContext& context,
                                                    const NamesRequest& request);

}  // namespace bulkhead
