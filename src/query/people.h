// Lists of people and their profiles, and the events of single persons.
#pragma once

#include "query/mixpanel_reports.h"
#include "query/report_context.h"

namespace bulkhead {

Result<PeopleResult> RunPeople(const ReportContext& context, const PeopleReport& report);
Result<std::vector<ActivityEvent>> RunActivity(const ReportContext& context,
                                               const ActivityRequest& request);

}  // namespace bulkhead
