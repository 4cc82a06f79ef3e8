// The JSON body of POST /api/v1/query to a Report. Pure; errors name the path, such as
// "steps[1].event", never a value.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/report.h"

namespace bulkhead {

// `default_project` counts where the body names none; ProjectId{} = the body must.
Result<Report> ParseReport(std::string_view json, ProjectId default_project = {});

// A funnel's steps, window, order and the like without dates: what is stored as a saved funnel.
Result<FunnelReport> ParseFunnelDefinition(std::string_view json);

}  // namespace bulkhead
