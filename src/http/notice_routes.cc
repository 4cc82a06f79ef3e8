#include "http/notice_routes.h"

#include <memory>
#include <utility>

#include "http/notice_html.h"
#include "http/query_parameters.h"
#include "incident/notice_code.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxFormBytes = 4096;
constexpr const char* kRetrySeconds = "60";

bool WantsJson(const HttpRequest& request) {
  return request.Header("accept").find("application/json") != std::string_view::npos;
}

// The same as a page or as JSON.
HttpResponse Refusal(bool json, int status, NoticeHint hint, const NoticeQuestion& typed = {}) {
  if (!json) return NoticeForm(status, hint, typed);
  const char* text = hint == NoticeHint::kMistyped ? "code: has a typing mistake"
                     : hint == NoticeHint::kBusy   ? "too many checks, please retry later"
                     : hint == NoticeHint::kNotNow ? "not available, please retry later"
                                                   : "code and address are required";
  return ErrorResponse(status, text);
}

Result<NoticeQuestion> QuestionOf(const HttpRequest& request) {
  const Error incomplete{ErrorCode::kInvalid, "code and address are required"};
  if (request.body.size() > kMaxFormBytes) return incomplete;
  QueryParameters parameters;
  const bool json = request.Header("content-type").find("json") != std::string_view::npos;
  const Result<void> read =
      json ? parameters.AddJson(request.body) : parameters.AddForm(request.body);
  const std::string* code = read ? parameters.Find("code") : nullptr;
  const std::string* address = read ? parameters.Find("address") : nullptr;
  if (code == nullptr || address == nullptr || code->size() > kMaxNoticeQuestionBytes ||
      address->size() > kMaxNoticeQuestionBytes) {
    return incomplete;
  }
  return NoticeQuestion{*code, *address};
}

HttpResponse WithRetry(HttpResponse response) {
  response.headers.emplace_back("Retry-After", kRetrySeconds);
  return response;
}

}  // namespace

void NoticeRoutes::Add(Router* router) {
  router->Add(Route{
      "/notice", Face::kQuery, {"GET", "POST"}, [this](HttpRequest request, const Reply& reply) {
        if (request.method == "POST") return Check(std::move(request), reply);
        reply->Send(NoticeForm(200, NoticeHint::kNone, {}));
      }});
  router->Add(Route{
      "/notice/key", Face::kQuery, {"GET"}, [this](const HttpRequest& request, const Reply& reply) {
        if (rate_.May(request.client_ip)) return Keys(reply);
        reply->Send(WithRetry(ErrorResponse(429, "please retry later")));
      }});
}

void NoticeRoutes::Check(HttpRequest request, const Reply& reply) {
  const bool json = WantsJson(request);
  if (!rate_.May(request.client_ip)) {
    reply->Send(WithRetry(Refusal(json, 429, NoticeHint::kBusy)));
    return;
  }
  Result<NoticeQuestion> question = QuestionOf(request);
  if (!question) {
    reply->Send(Refusal(json, 400, NoticeHint::kIncomplete));
    return;
  }
  if (!HasGoodChecksum(question->code)) {
    reply->Send(Refusal(json, 400, NoticeHint::kMistyped, *question));
    return;
  }
  const auto ask = [this, json, reply, question = *std::move(question)] {
    const Result<NoticeAnswer> answer = services_->notice_check(question);
    if (!answer) {
      reply->Send(WithRetry(Refusal(json, 503, NoticeHint::kNotNow)));
    } else {
      reply->Send(json ? JsonResponse(200, NoticeJson(*answer)) : NoticeResult(*answer));
    }
  };
  if (!pool_->TryPost(ask)) {
    reply->Send(WithRetry(Refusal(json, 429, NoticeHint::kBusy)));
  }
}

void NoticeRoutes::Keys(const Reply& reply) {
  const auto ask = [this, reply] {
    Result<std::string> keys = services_->notice_keys();
    if (!keys) {
      reply->Send(WithRetry(ErrorResponse(503, "not available, please retry later")));
      return;
    }
    HttpResponse response;
    response.content_type = "application/x-pem-file";
    response.body = *std::move(keys);
    reply->Send(std::move(response));
  };
  if (!pool_->TryPost(ask)) {
    reply->Send(WithRetry(ErrorResponse(429, "please retry later")));
  }
}

}  // namespace bulkhead
