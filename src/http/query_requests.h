// Parameters of Mixpanel's query paths to the questions query/ answers. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "http/query_parameters.h"
#include "query/mixpanel_reports.h"

namespace bulkhead {

Result<SegmentationRequest> ReadSegmentation(const QueryParameters& parameters,
                                             SegmentationRequest::Kind kind);
Result<EventsRequest> ReadEvents(const QueryParameters& parameters);
Result<EventPropertyRequest> ReadEventProperties(const QueryParameters& parameters);
enum class NamesOf : unsigned char { kEvents = 1, kTopEvents, kTopProperties, kPropertyValues };
Result<NamesRequest> ReadNames(const QueryParameters& parameters, NamesOf what);
Result<CohortRetentionRequest> ReadRetention(const QueryParameters& parameters);
Result<AddictionRequest> ReadAddiction(const QueryParameters& parameters);
Result<ExportRequest> ReadExport(const QueryParameters& parameters);

// What GET /funnels says beside the saved definition.
struct FunnelParameters {
  uint64_t funnel_id = 0;
  bool segmented = false;
};
Result<FunnelParameters> ReadFunnelParameters(const QueryParameters& parameters);
// Fills dates, window, unit, filter and breakdown of a saved funnel.
Result<void> ReadFunnelInto(const QueryParameters& parameters, FunnelReport* report);

// /engage and /stream/query: ids are as the caller wrote them, for the door to pseudonymise.
struct EngageParameters {
  std::vector<std::string> distinct_ids;
  bool names_persons = false;  // false = everybody; true and no ids = nobody
  SharedExpression where;
  std::vector<std::string> output_properties;
  std::string session_id;
  size_t page = 0;
  bool include_all_users = false;
};
Result<EngageParameters> ReadEngage(const QueryParameters& parameters);

struct ActivityParameters {
  std::vector<std::string> distinct_ids;
  DateRange range;
  size_t limit = 0;
};
Result<ActivityParameters> ReadActivity(const QueryParameters& parameters);

}  // namespace bulkhead
