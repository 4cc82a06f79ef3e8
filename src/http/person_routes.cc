// Reads of persons: each stands in the audit log before anything is read.
#include <utility>

#include "base/limits.h"
#include "http/query_call.h"
#include "http/query_requests.h"
#include "query/mixpanel_json.h"

namespace bulkhead {
namespace {

// A condition's text may hold values, so only that there was one is recorded.
std::string Condition(const SharedExpression& where) { return where ? ", where: yes" : ""; }

}  // namespace

Result<std::vector<SubjectId>> QueryCall::Subjects(const std::vector<std::string>& ids) const {
  if (ids.size() > limits::kMaxAskedPersons) {
    return Error{ErrorCode::kInvalid, "distinct_ids: at most 2000"};
  }
  std::vector<SubjectId> subjects;
  std::vector<std::string> raw_ids;  // asked for all at once: each question costs a round trip
  std::vector<size_t> raw_places;
  for (const std::string& id : ids) {
    const std::optional<SubjectId> pid = id.size() == 32 ? SubjectId::FromHex(id) : std::nullopt;
    if (id.size() > limits::kMaxAskedIdBytes) {
      return Error{ErrorCode::kInvalid, "distinct_ids: an id has at most 320 bytes"};
    }
    subjects.push_back(pid.value_or(SubjectId{}));
    if (!pid) {
      raw_ids.push_back(id);
      raw_places.push_back(subjects.size() - 1);
    }
  }
  if (raw_ids.empty()) {
    return subjects;
  }
  if (!services().pseudonyms) {
    return Error{ErrorCode::kUnavailable, "ids have no pseudonyms here"};
  }
  const Result<std::vector<SubjectId>> found = services().pseudonyms(raw_ids);
  if (!found) {
    return found.error();
  }
  for (size_t i = 0; i < raw_places.size(); ++i) {
    subjects[raw_places[i]] = found->at(i);
  }
  return subjects;
}

Result<void> QueryCall::RecordRead(std::string action, std::string scope,
                                   std::vector<SubjectId> subjects) const {
  if (services().reads == nullptr) {
    return Error{ErrorCode::kUnavailable, "no audit log"};
  }
  const Result<void> recorded = services().reads->Record(PersonRead{
      caller.project, caller.account, std::move(action), std::move(scope), std::move(subjects)});
  // Whatever the reason, the caller learns only that it cannot be done now.
  return recorded ? Result<void>{} : Error{ErrorCode::kUnavailable, "audit log"};
}

Result<void> RecordPeople(const QueryCall& call, std::string action, const PeopleReport& report) {
  const std::string who = report.subjects ? std::to_string(report.subjects->size()) + " persons"
                                          : std::string("all persons");
  return call.RecordRead(std::move(action),
                         who + Condition(report.where) + ", page " + std::to_string(report.page),
                         report.subjects.value_or(std::vector<SubjectId>()));
}

Result<HttpResponse> AnswerEngage(const QueryCall& call) {
  Result<EngageParameters> parameters = ReadEngage(call.parameters);
  if (!parameters) {
    return parameters.error();
  }
  const int64_t now_ms = call.services().clock->NowMs();
  PeopleReport report;
  std::string session_id = parameters->session_id;
  if (!session_id.empty()) {
    Result<PeopleReport> found = call.state->sessions.Find(call.caller, session_id, now_ms);
    if (!found) {
      return found.error();
    }
    report = std::move(*found);
  } else {
    Result<std::vector<SubjectId>> subjects = call.Subjects(parameters->distinct_ids);
    if (!subjects) {
      return subjects.error();
    }
    report.project = call.caller.project;
    report.where = parameters->where;
    if (parameters->names_persons) {
      report.subjects = std::move(*subjects);
    }
    report.output_properties = std::move(parameters->output_properties);
    report.include_without_profile = parameters->include_all_users;
    session_id = call.state->sessions.Add(call.caller, report, now_ms);
  }
  report.page = parameters->page;
  if (Result<void> recorded = RecordPeople(call, "engage", report); !recorded) {
    return recorded.error();
  }
  const Result<PeopleResult> people = call.engine->People(report);
  if (!people) {
    return people.error();
  }
  return JsonResponse(200, EngageJson(*people, session_id));
}

Result<HttpResponse> AnswerActivity(const QueryCall& call) {
  const Result<ActivityParameters> parameters = ReadActivity(call.parameters);
  if (!parameters) {
    return parameters.error();
  }
  Result<std::vector<SubjectId>> subjects = call.Subjects(parameters->distinct_ids);
  if (!subjects) {
    return subjects.error();
  }
  ActivityRequest request;
  request.subjects = std::move(*subjects);
  request.range = parameters->range;
  request.limit = parameters->limit;
  if (Result<void> recorded = call.RecordRead(
          "stream/query", request.range.from + " to " + request.range.to, request.subjects);
      !recorded) {
    return recorded.error();
  }
  const Result<std::vector<ActivityEvent>> events = call.engine->Activity(request);
  if (!events) {
    return events.error();
  }
  return JsonResponse(200, ActivityJson(*events));
}

Result<HttpResponse> AnswerExport(const QueryCall& call) {
  Result<ExportRequest> request = ReadExport(call.parameters);
  if (!request) {
    return request.error();
  }
  if (Result<void> recorded = call.RecordRead(
          "export",
          request->from + " to " + request->to + ", " +
              (request->events.empty() ? "all events"
                                       : std::to_string(request->events.size()) + " event names") +
              Condition(request->where) +
              (request->limit > 0 ? ", limit " + std::to_string(request->limit) : ""));
      !recorded) {
    return recorded.error();
  }
  if (call.request->method == "HEAD") {
    return HttpResponse{};
  }
  const QueryEngine* engine = call.engine;
  Result<std::shared_ptr<BodySource>> source = call.state->exports.Start(
      [engine, asked = std::move(*request)](const ExportRunner::Sink& sink) {
        return engine->ExportEvents(asked, sink);
      });
  if (!source) {
    return source.error();
  }
  HttpResponse response;
  response.headers.emplace_back("Vary", "Accept-Encoding");
  response.stream = std::move(*source);
  if (AcceptsGzip(call.request->Header("accept-encoding"))) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.stream = MakeGzipSource(std::move(response.stream));
  }
  return response;
}

}  // namespace bulkhead
