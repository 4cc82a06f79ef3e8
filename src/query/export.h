// Raw events, as Mixpanel's export writes them.
#pragma once

#include <functional>
#include <string_view>

#include "query/mixpanel_reports.h"
#include "query/report_context.h"

namespace bulkhead {

Result<void> RunExport(const ReportContext& context, const ExportRequest& request,
                       const std::function<bool(std::string_view)>& sink);

}  // namespace bulkhead
