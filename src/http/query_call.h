// One question as its handler sees it: checked caller, gathered parameters, the project's engine.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "http/caller.h"
#include "http/engage_sessions.h"
#include "http/export_stream.h"
#include "http/message.h"
#include "http/query_parameters.h"
#include "http/server.h"
#include "query/engine.h"

namespace bulkhead {

// What the query routes share.
struct QueryState {
  const Services* services;
  CallerCheck callers;
  EngageSessions sessions;
  ExportRunner exports;
};

struct QueryCall {
  QueryState* state = nullptr;
  const HttpRequest* request = nullptr;
  QueryParameters parameters;
  Caller caller;
  const QueryEngine* engine = nullptr;

  [[nodiscard]] const Services& services() const { return *state->services; }
  // A 32-hex pid as it is, every other text as its pseudonym.
  [[nodiscard]] Result<std::vector<SubjectId>> Subjects(const std::vector<std::string>& ids) const;
  // Writes the audit lines; an error means that nothing may be read. No subjects: the scope says
  // who is read.
  [[nodiscard]] Result<void> RecordRead(std::string action, std::string scope,
                                        std::vector<SubjectId> subjects = {}) const;
};

using QueryHandler = Result<HttpResponse> (*)(const QueryCall& call);

// Reports without persons (aggregate_routes.cc).
Result<HttpResponse> AnswerSegmentation(const QueryCall& call);
Result<HttpResponse> AnswerSegmentationNumeric(const QueryCall& call);
Result<HttpResponse> AnswerSegmentationSum(const QueryCall& call);
Result<HttpResponse> AnswerSegmentationAverage(const QueryCall& call);
Result<HttpResponse> AnswerEvents(const QueryCall& call);
Result<HttpResponse> AnswerTopEvents(const QueryCall& call);
Result<HttpResponse> AnswerEventNames(const QueryCall& call);
Result<HttpResponse> AnswerEventProperties(const QueryCall& call);
Result<HttpResponse> AnswerTopProperties(const QueryCall& call);
Result<HttpResponse> AnswerPropertyValues(const QueryCall& call);
Result<HttpResponse> AnswerRetention(const QueryCall& call);
Result<HttpResponse> AnswerAddiction(const QueryCall& call);
Result<HttpResponse> AnswerFunnels(const QueryCall& call);
Result<HttpResponse> AnswerFunnelList(const QueryCall& call);
Result<HttpResponse> AnswerCohortList(const QueryCall& call);
Result<HttpResponse> AnswerInsights(const QueryCall& call);

// Reads of persons, each recorded first (person_routes.cc).
Result<void> RecordPeople(const QueryCall& call, std::string action, const PeopleReport& report);
Result<HttpResponse> AnswerEngage(const QueryCall& call);
Result<HttpResponse> AnswerActivity(const QueryCall& call);
Result<HttpResponse> AnswerExport(const QueryCall& call);

// Bulkhead's own (own_routes.cc).
Result<HttpResponse> AnswerReport(const QueryCall& call);
Result<HttpResponse> AnswerSavedFunnels(const QueryCall& call);
Result<HttpResponse> AnswerSaveFunnel(const QueryCall& call);
Result<HttpResponse> AnswerDeleteFunnel(const QueryCall& call);
Result<HttpResponse> AnswerSieve(const QueryCall& call);
Result<HttpResponse> AnswerStats(const QueryCall& call);

}  // namespace bulkhead
