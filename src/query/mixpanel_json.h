// The JSON of Mixpanel's query API and of the own report API from typed answers.
#pragma once

#include <string>
#include <vector>

#include "model/report.h"
#include "query/mixpanel_reports.h"

namespace bulkhead {

// A segment as a key of Mixpanel's objects: strings as they are, "undefined" for what is not set,
// else JSON.
std::string SegmentText(const std::vector<Value>& segment);

// The design's section 7.
std::string InsightsJson(const InsightsResult& result);
std::string FunnelJson(const FunnelResult& result);
std::string RetentionJson(const RetentionResult& result);
std::string PeopleJson(const PeopleResult& result);
std::string LifecycleJson(const LifecycleResult& result);
std::string SessionsJson(const SessionsResult& result);

// {"data":{"series":[dates],"values":{row:{date:n}}},"legend_size":n}: /segmentation,
// /segmentation/numeric, /events, /events/properties. Counts come as integers.
std::string SeriesTableJson(const SeriesTable& table);
// {"status":"ok","computed_at":...,"results":{date:n}}: /segmentation/{sum,average}.
std::string SeriesResultsJson(const SeriesTable& table, const std::string& computed_at);
std::string NamesJson(const std::vector<std::string>& names);
std::string TopEventsJson(const std::vector<TopEvent>& events, CountType type);
std::string PropertyCountsJson(const std::vector<PropertyCount>& counts);
// {date:{"counts":[...],"first":n}}, with `on` {date:{segment:{...}}}.
std::string CohortTableJson(const CohortTable& table);
std::string AddictionJson(const AddictionResult& result);
// {"meta":{"dates":[...]},"data":{date:{"steps":[...],"analysis":{...}}}}, with `on`
// {date:{"$overall":[...],segment:[...]}}.
std::string MixpanelFunnelJson(const FunnelResult& result, bool segmented);
// {"page","page_size","results":[{"$distinct_id","$properties"}],"session_id","status":"ok","total"}
std::string EngageJson(const PeopleResult& result, const std::string& session_id);
std::string ActivityJson(const std::vector<ActivityEvent>& events);

}  // namespace bulkhead
