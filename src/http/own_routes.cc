// Bulkhead's own API under /api/v1.
#include <utility>
#include <variant>

#include "http/query_call.h"
#include "query/saved_funnels.h"
#include "wire/report_parser.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxNameBytes = 255;

SavedFunnels* Funnels(const QueryCall& call) {
  return call.services().funnels ? call.services().funnels(call.caller.project) : nullptr;
}

Result<HttpResponse> FromSource(const ProjectJsonSource& source, const QueryCall& call) {
  if (!source) {
    return ErrorResponse(503, "not available");
  }
  Result<std::string> json = source(call.caller.project);
  if (!json) {
    return json.error();
  }
  return JsonResponse(200, std::move(*json));
}

}  // namespace

Result<HttpResponse> AnswerReport(const QueryCall& call) {
  Result<Report> report = ParseReport(call.request->body, call.caller.project);
  if (!report) {
    return report.error();
  }
  if (ProjectOf(*report) != call.caller.project) {
    return Error{ErrorCode::kInvalid, "project_id: must be the one asked for"};
  }
  if (std::holds_alternative<PeopleReport>(*report)) {
    if (Result<void> recorded = RecordPeople(call, "query people", std::get<PeopleReport>(*report));
        !recorded) {
      return recorded.error();
    }
  }
  Result<std::string> json = call.engine->Run(*report);
  if (!json) {
    return json.error();
  }
  return JsonResponse(200, std::move(*json));
}

Result<HttpResponse> AnswerSavedFunnels(const QueryCall& call) {
  const SavedFunnels* funnels = Funnels(call);
  if (funnels == nullptr) {
    return ErrorResponse(503, "not available");
  }
  std::string body = "{\"funnels\":[";
  bool first = true;
  for (const SavedFunnel& funnel : funnels->List()) {
    body += first ? "" : ",";
    first = false;
    body += "{\"id\":" + std::to_string(funnel.id) + ",\"name\":";
    AppendJsonString(funnel.name, &body);
    body += ",\"definition\":" + funnel.definition + "}";
  }
  return JsonResponse(200, body + "]}");
}

Result<HttpResponse> AnswerSaveFunnel(const QueryCall& call) {
  SavedFunnels* funnels = Funnels(call);
  if (funnels == nullptr) {
    return ErrorResponse(503, "not available");
  }
  ParameterReader reader(call.parameters);
  const std::string name = reader.RequiredText("name");
  if (name.size() > kMaxNameBytes) {
    reader.Fail("name", "is too long");
  }
  if (reader.error()) {
    return *reader.error();
  }
  // The definition is either the member of that name or the body itself, whose other members do not
  // matter to it.
  const std::string* definition = call.parameters.Find("definition");
  const Result<uint64_t> id =
      funnels->Add(name, definition != nullptr ? *definition : call.request->body);
  if (!id) {
    return id.error();
  }
  return JsonResponse(201, "{\"id\":" + std::to_string(*id) + ",\"status\":\"ok\"}");
}

Result<HttpResponse> AnswerDeleteFunnel(const QueryCall& call) {
  SavedFunnels* funnels = Funnels(call);
  if (funnels == nullptr) {
    return ErrorResponse(503, "not available");
  }
  std::string_view path = call.request->path;
  if (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  QueryParameters from_path;
  if (Result<void> added = from_path.AddForm("id=" + std::string(path.substr(path.rfind('/') + 1)));
      !added) {
    return added.error();
  }
  ParameterReader reader(from_path);
  const auto id = static_cast<uint64_t>(reader.RequiredInteger("id", 1, INT64_MAX));
  if (reader.error()) {
    return *reader.error();
  }
  if (Result<void> removed = funnels->Remove(id); !removed) {
    return removed.error();
  }
  return JsonResponse(200, R"({"status":"ok"})");
}

Result<HttpResponse> AnswerSieve(const QueryCall& call) {
  return FromSource(call.services().sieve, call);
}

Result<HttpResponse> AnswerStats(const QueryCall& call) {
  return FromSource(call.services().stats, call);
}

}  // namespace bulkhead
