#include "http/app_routes.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "http/person_data.h"
#include "http/person_request_json.h"
#include "http/query_call.h"
#include "intake/intake.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxBodyBytes = 1024UL * 1024;
constexpr size_t kMaxResults = 2;  // being sent at a time
constexpr int64_t kPaceMs = 1000;

// Mixpanel's clients send "Bearer <token>"; here the token is what Basic has, base64 of
// "username:secret" of a service account.
void BearerAsBasic(HttpRequest* request) {
  constexpr std::string_view kBearer = "bearer ";
  for (auto& [name, value] : request->headers) {
    if (name != "authorization" || value.size() <= kBearer.size()) {
      continue;
    }
    std::string scheme = value.substr(0, kBearer.size());
    std::transform(scheme.begin(), scheme.end(), scheme.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (scheme == kBearer) {
      value = "Basic " + value.substr(kBearer.size());
    }
  }
}

// One request a second for each project.
class Pace {
 public:
  bool Take(ProjectId project, int64_t now_ms) {
    const std::lock_guard lock(mutex_);
    const auto [last, first] = last_ms_.try_emplace(project, now_ms);
    if (!first && now_ms >= last->second && now_ms - last->second < kPaceMs) {
      return false;
    }
    last->second = now_ms;
    return true;
  }

 private:
  std::mutex mutex_;
  std::map<ProjectId, int64_t> last_ms_;  // as many as there are projects
};

std::string_view LastSegment(std::string_view path) {
  while (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  return path.substr(path.rfind('/') + 1);
}

// The address at which the client reached us, for links; empty where its Host header is no host.
std::string BaseUrl(const HttpRequest& request) {
  const std::string_view host = request.Header("host");
  const bool sound =
      !host.empty() && host.size() <= 255 && std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view(".:-[]").find(c) != std::string_view::npos;
      });
  return sound ? (request.secure ? "https://" : "http://") + std::string(host) : std::string();
}

struct AppCall {
  QueryCall query;  // caller, engine, request
  PersonRequests* tasks = nullptr;
  std::string token;
};

int64_t NowMs(const AppCall& call) { return call.query.services().clock->NowMs(); }

std::string ResultUrl(const AppCall& call, const PersonRequest& task) {
  const bool there = task.asked.kind == PersonRequestKind::kRetrieval &&
                     task.status == PersonRequestStatus::kSuccess &&
                     NowMs(call) < task.finished_ms + kPersonDataOpenMs;
  return there ? BaseUrl(*call.query.request) + "/api/v1/person-data/" + task.id +
                     "?token=" + call.token
               : std::string();
}

Result<HttpResponse> AnswerAdd(const AppCall& call, PersonRequestKind kind) {
  const HttpRequest& request = *call.query.request;
  if (request.body.size() > kMaxBodyBytes) {
    return ErrorResponse(413, "the body is too long");
  }
  QueryParameters body;
  if (Result<void> read = body.AddJson(request.body); !read) {
    return read.error();
  }
  Result<PersonRequestParameters> parameters = ReadPersonRequest(body, kind);
  if (!parameters) {
    return parameters.error();
  }
  Result<std::vector<SubjectId>> subjects = call.query.Subjects(parameters->distinct_ids);
  if (!subjects) {
    return subjects.error();
  }
  std::sort(subjects->begin(), subjects->end());
  subjects->erase(std::unique(subjects->begin(), subjects->end()), subjects->end());
  const Result<PersonRequest> added =
      call.tasks->Add({kind, call.query.caller.project, call.query.caller.account,
                       std::move(*subjects), parameters->compliance, parameters->disclosure});
  if (!added) {
    return added.error();
  }
  return JsonResponse(201, PersonRequestJson(*added, ""));
}

Result<HttpResponse> AnswerFind(const AppCall& call, PersonRequestKind kind) {
  const std::optional<PersonRequest> task =
      call.tasks->Find(call.query.caller.project, kind, LastSegment(call.query.request->path));
  return JsonResponse(
      200, task ? PersonRequestJson(*task, ResultUrl(call, *task)) : UnknownPersonRequestJson());
}

Result<HttpResponse> AnswerRevoke(const AppCall& call, PersonRequestKind kind) {
  const Result<void> revoked =
      call.tasks->Revoke(call.query.caller.project, kind, LastSegment(call.query.request->path));
  if (!revoked && revoked.error().code == ErrorCode::kDenied) {
    HttpResponse response = ErrorResponse(405, "the request has begun and cannot be revoked");
    response.headers.emplace_back("Allow", "GET");
    return response;
  }
  if (!revoked) {
    return revoked.error();
  }
  HttpResponse response;
  response.status = 204;
  return response;
}

// Recorded by core for the behaviour and by the vault for the identities, before the first byte.
Result<HttpResponse> AnswerPersonData(const AppCall& call) {
  const Services& services = call.query.services();
  const Caller& caller = call.query.caller;
  std::optional<PersonRequest> task = call.tasks->Find(
      caller.project, PersonRequestKind::kRetrieval, LastSegment(call.query.request->path));
  if (!task || task->status != PersonRequestStatus::kSuccess) {
    return ErrorResponse(404, "no such result");
  }
  if (task->asked.requester != caller.account) {
    return ErrorResponse(403, "a result is given to the account that asked for it");
  }
  if (NowMs(call) >= task->finished_ms + kPersonDataOpenMs) {
    return ErrorResponse(410, "the result is no longer given: ask anew");
  }
  if (services.access == nullptr || call.query.engine == nullptr) {
    return ErrorResponse(503, "not available");
  }
  if (call.query.request->method == "HEAD") {
    return HttpResponse{};
  }
  if (Result<void> recorded =
          call.query.RecordRead("access request", "task " + task->id, task->asked.subjects);
      !recorded) {
    return recorded.error();
  }
  std::vector<KnownIdentity> identities;
  if (task->asked.disclosure != DisclosureType::kSources) {
    Result<std::vector<KnownIdentity>> revealed =
        services.access->Reveal({caller.project, caller.account, task->id, task->asked.subjects,
                                 task->asked.disclosure == DisclosureType::kCategories});
    if (!revealed) {
      return revealed.error();
    }
    identities = std::move(*revealed);
  }
  Result<std::shared_ptr<BodySource>> source = call.query.state->exports.Start(
      [engine = call.query.engine, asked = std::move(*task), now_ms = NowMs(call),
       known = std::make_shared<std::vector<KnownIdentity>>(std::move(identities))](
          const ExportRunner::Sink& sink) {
        return WritePersonData(*engine, asked, *known, now_ms, sink);
      });
  if (!source) {
    return source.error();
  }
  HttpResponse response;
  response.content_type = "application/json";
  response.headers.emplace_back("Content-Disposition", "attachment; filename=\"person-data.json\"");
  response.stream = std::move(*source);
  return response;
}

}  // namespace

struct AppRoutes::State {
  QueryState shared;
  WorkPool* pool;
  Pace pace;

  using Handler = std::function<Result<HttpResponse>(const AppCall&)>;

  Result<HttpResponse> Answer(HttpRequest* request, const Handler& handler) {
    BearerAsBasic(request);
    QueryParameters parameters;
    if (Result<void> read = parameters.AddForm(request->query); !read) {
      return read.error();
    }
    const std::string* token = parameters.Find("token");
    if (token == nullptr) {
      return Error{ErrorCode::kInvalid, "token: the project's token is required"};
    }
    const Services& services = *shared.services;
    if (services.projects == nullptr || services.person_requests == nullptr) {
      return ErrorResponse(503, "not available");
    }
    const std::optional<ProjectId> project = services.projects->FindByToken(*token);
    if (!project) {
      return ErrorResponse(401, "the project's token is not known");
    }
    AppCall call;
    Result<Caller> caller = shared.callers.Check(*request, project);
    if (!caller) {
      return CallerErrorResponse(caller.error());
    }
    if (!pace.Take(*project, services.clock->NowMs())) {
      HttpResponse later = ErrorResponse(429, "at most one request a second");
      later.headers.emplace_back("Retry-After", "1");
      return later;
    }
    call.query.state = &shared;
    call.query.request = request;
    call.query.caller = std::move(*caller);
    call.query.engine = services.engine ? services.engine(*project) : nullptr;
    call.tasks = services.person_requests;
    call.token = *token;
    return handler(call);
  }

  void AddRoute(std::string pattern, std::vector<std::string_view> methods, Handler handler,
                Router* router) {
    const auto handle = [this, handler = std::move(handler)](HttpRequest request,
                                                             const Reply& reply) {
      auto held = std::make_shared<HttpRequest>(std::move(request));
      if (held->Header("authorization").empty()) {  // nobody gets a thread without credentials
        reply->Send(CallerErrorResponse(
            Error{ErrorCode::kDenied, "authorization with a service account is required"}));
        return;
      }
      if (!pool->TryPost([this, held, reply, handler] {
            Result<HttpResponse> answer = Answer(held.get(), handler);
            reply->Send(answer ? std::move(*answer) : ErrorResponse(answer.error()));
          })) {
        HttpResponse busy = ErrorResponse(429, "too many requests are waiting, please retry");
        busy.headers.emplace_back("Retry-After", "1");
        reply->Send(std::move(busy));
      }
    };
    router->Add(Route{std::move(pattern), Face::kQuery, std::move(methods), handle});
  }
};

AppRoutes::AppRoutes(const Services* services, WorkPool* pool)
    : state_(new State{QueryState{services,
                                  CallerCheck(services->projects, services->logins),
                                  {},
                                  ExportRunner(kMaxResults)},
                       pool,
                       {}}) {}

AppRoutes::~AppRoutes() = default;

void AppRoutes::Add(Router* router) {
  const std::pair<std::string, PersonRequestKind> faces[] = {
      {"/api/app/data-deletions/v3.0", PersonRequestKind::kDeletion},
      {"/api/app/data-retrievals/v3.0", PersonRequestKind::kRetrieval}};
  for (const auto& [path, kind] : faces) {
    state_->AddRoute(
        path, {"POST"}, [kind](const AppCall& call) { return AnswerAdd(call, kind); }, router);
    state_->AddRoute(
        path + "/{tracking_id}", {"GET", "DELETE"},
        [kind](const AppCall& call) {
          return call.query.request->method == "DELETE" ? AnswerRevoke(call, kind)
                                                        : AnswerFind(call, kind);
        },
        router);
  }
  state_->AddRoute("/api/v1/person-data/{tracking_id}", {"GET"}, AnswerPersonData, router);
}

void AppRoutes::Stop() { state_->shared.exports.Stop(); }

}  // namespace bulkhead
