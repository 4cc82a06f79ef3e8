#include "http/query_routes.h"

#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "http/query_call.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxQueryBodyBytes = 1024UL * 1024;
constexpr size_t kMaxExports = 8;

struct QueryRoute {
  std::string pattern;
  std::vector<std::string_view> methods;
  QueryHandler handler;
  QueryHandler write_handler = nullptr;  // POST and DELETE where they mean something else
};

// Query string and body; clients send forms, JSON, or an empty form.
Result<QueryParameters> Gather(const HttpRequest& request) {
  QueryParameters parameters;
  if (Result<void> added = parameters.AddForm(request.query); !added) {
    return added.error();
  }
  if (request.body.empty()) {
    return parameters;
  }
  const std::string_view coding = request.Header("content-encoding");
  if (!coding.empty() && coding != "identity") {
    return Error{ErrorCode::kInvalid, "the body must not be compressed"};
  }
  if (request.body.size() > kMaxQueryBodyBytes) {
    return Error{ErrorCode::kInvalid, "the body is too long"};
  }
  const bool json = request.Header("content-type").find("json") != std::string_view::npos ||
                    request.body.front() == '{';
  const Result<void> added =
      json ? parameters.AddJson(request.body) : parameters.AddForm(request.body);
  if (!added) {
    return added.error();
  }
  return parameters;
}

Result<HttpResponse> Answer(QueryState* state, const HttpRequest& request, QueryHandler handler) {
  QueryCall call;
  call.state = state;
  call.request = &request;
  Result<QueryParameters> parameters = Gather(request);
  if (!parameters) {
    return parameters.error();
  }
  call.parameters = std::move(*parameters);
  ParameterReader reader(call.parameters);
  std::optional<ProjectId> project;
  if (reader.Has("project_id")) {
    project = ProjectId{static_cast<uint32_t>(
        reader.RequiredInteger("project_id", 1, std::numeric_limits<uint32_t>::max()))};
  }
  if (reader.error()) {
    return *reader.error();
  }
  Result<Caller> caller = state->callers.Check(request, project);
  if (!caller) {
    return CallerErrorResponse(caller.error());
  }
  call.caller = std::move(*caller);
  if (state->services->engine) {
    call.engine = state->services->engine(call.caller.project);
  }
  if (call.engine == nullptr) {
    return ErrorResponse(503, "the project cannot be queried now");
  }
  return handler(call);
}

std::vector<QueryRoute> MixpanelRoutes() {
  const std::vector<std::string_view> read = {"GET", "POST"};
  return {{"/segmentation", read, AnswerSegmentation},
          {"/segmentation/numeric", read, AnswerSegmentationNumeric},
          {"/segmentation/sum", read, AnswerSegmentationSum},
          {"/segmentation/average", read, AnswerSegmentationAverage},
          {"/events", read, AnswerEvents},
          {"/events/top", read, AnswerTopEvents},
          {"/events/names", read, AnswerEventNames},
          {"/events/properties", read, AnswerEventProperties},
          {"/events/properties/top", read, AnswerTopProperties},
          {"/events/properties/values", read, AnswerPropertyValues},
          {"/retention", read, AnswerRetention},
          {"/retention/addiction", read, AnswerAddiction},
          {"/funnels", read, AnswerFunnels},
          {"/funnels/list", read, AnswerFunnelList},
          {"/cohorts/list", read, AnswerCohortList},
          {"/insights", read, AnswerInsights},
          {"/engage", read, AnswerEngage},
          {"/stream/query", read, AnswerActivity},
          {"/export", read, AnswerExport}};
}

std::vector<QueryRoute> OwnRoutes() {
  return {{"/api/v1/query", {"POST"}, AnswerReport},
          {"/api/v1/funnels", {"GET", "POST"}, AnswerSavedFunnels, AnswerSaveFunnel},
          {"/api/v1/funnels/{id}", {"DELETE"}, AnswerDeleteFunnel},
          {"/api/v1/sieve", {"GET"}, AnswerSieve},
          {"/api/v1/stats", {"GET"}, AnswerStats}};
}

}  // namespace

struct QueryRoutes::State {
  QueryState shared;
  WorkPool* pool;

  void AddRoute(QueryRoute route, Router* router) {
    const auto handle = [this, plain = route.handler, write = route.write_handler](
                            HttpRequest request, const Reply& reply) {
      const QueryHandler handler = write != nullptr && request.method == "POST" ? write : plain;
      // Without credentials nobody gets a query thread.
      if (!ParseBasic(request.Header("authorization"))) {
        reply->Send(CallerErrorResponse(
            Error{ErrorCode::kDenied, "Basic authorization with a service account is required"}));
        return;
      }
      auto held = std::make_shared<HttpRequest>(std::move(request));
      if (!pool->TryPost([this, held, reply, handler] {
            Result<HttpResponse> answer = Answer(&shared, *held, handler);
            reply->Send(answer ? std::move(*answer) : ErrorResponse(answer.error()));
          })) {
        HttpResponse busy = ErrorResponse(429, "too many queries are waiting, please retry");
        busy.headers.emplace_back("Retry-After", "1");
        reply->Send(std::move(busy));
      }
    };
    router->Add(Route{std::move(route.pattern), Face::kQuery, std::move(route.methods), handle});
  }
};

QueryRoutes::QueryRoutes(const Services* services, WorkPool* pool)
    : state_(new State{QueryState{services,
                                  CallerCheck(services->projects, services->logins),
                                  {},
                                  ExportRunner(kMaxExports)},
                       pool}) {}

QueryRoutes::~QueryRoutes() = default;

void QueryRoutes::Add(Router* router) {
  for (const std::string_view prefix : {"/api/query", "/api/2.0"}) {
    for (QueryRoute& route : MixpanelRoutes()) {
      route.pattern = std::string(prefix) + route.pattern;
      state_->AddRoute(route, router);
    }
  }
  for (QueryRoute& route : OwnRoutes()) {
    state_->AddRoute(route, router);
  }
}

void QueryRoutes::Stop() { state_->shared.exports.Stop(); }

}  // namespace bulkhead
