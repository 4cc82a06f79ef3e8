#include "http/dispatcher.h"

#include <utility>

#include "base/limits.h"
#include "http/app_routes.h"
#include "http/cors.h"
#include "http/ingest_routes.h"
#include "http/notice_routes.h"
#include "http/operator_routes.h"
#include "http/query_routes.h"
#include "http/relay.h"

namespace bulkhead {
namespace {

class Dispatcher final : public RequestHandler {
 public:
  Dispatcher(Services services, HttpMetrics* metrics, WorkPool* pool)
      : services_(std::move(services)),
        query_routes_(&services_, pool),
        app_routes_(&services_, pool),
        notice_routes_(&services_, pool) {
    if (services_.serve_ingest) {
      AddIngestRoutes(&services_, &router_);
      AddSdkSupportRoutes(&services_, &router_);
    }
    AddOperatorRoutes(&services_, metrics, &router_);
    if (services_.notice_check) {
      notice_routes_.Add(&router_);
    }
    if (services_.serve_queries) {
      query_routes_.Add(&router_);
      app_routes_.Add(&router_);
    }
    if (services_.relay) {
      relay_ = std::make_unique<Relay>(services_.relay, pool);
    }
  }

  void Handle(HttpRequest request, Reply reply) override {
    const Route* route = router_.Find(request.path);
    if (route == nullptr && relay_) {
      reply->route = "relayed";
      relay_->Handle(std::move(request), std::move(reply));
      return;
    }
    if (route == nullptr) {
      reply->Send(ErrorResponse(404, "no such path"));
      return;
    }
    reply->route = route->pattern;
    if (request.method == "OPTIONS") {
      reply->Send(Options(*route, request));
      return;
    }
    if (!Router::Allows(*route, request.method)) {
      HttpResponse response = route->face == Face::kIngest
                                  ? IngestErrorResponse(405, "method not allowed")
                                  : ErrorResponse(405, "method not allowed");
      response.headers.emplace_back("Allow", Router::AllowHeader(*route));
      if (route->face == Face::kIngest) {
        AllowOrigin(request, &response);
      }
      reply->Send(std::move(response));
      return;
    }
    route->handle(std::move(request), std::move(reply));
  }

  HttpResponse Refuse(const HttpRequest& head, int status) override {
    const Route* route = router_.Find(head.path);
    const bool query = route == nullptr ? relay_ != nullptr : route->face == Face::kQuery;
    const std::string message = RefusalText(status);
    HttpResponse response =
        query ? ErrorResponse(status, message) : IngestErrorResponse(status, message);
    // The browser SDK halves its batch on 413, for which it must be allowed to see the status.
    if (!query) {
      AllowOrigin(head, &response);
    }
    response.close = true;
    return response;
  }

  void Stop() override {
    query_routes_.Stop();
    app_routes_.Stop();
  }

 private:
  static std::string RefusalText(int status) {
    switch (status) {
      case 408:
        return "the request came too slowly";
      case 413:
        return "request exceeds max limit of " + std::to_string(limits::kMaxBodyBytes) + " bytes";
      case 431:
        return "request header exceeds max limit of " + std::to_string(limits::kMaxHeaderBytes) +
               " bytes";
      case 503:
        return "too many requests are being read, please retry";
      default:
        return "malformed request";
    }
  }

  static HttpResponse Options(const Route& route, const HttpRequest& request) {
    if (route.face == Face::kIngest) {
      return PreflightResponse(request);
    }
    HttpResponse response;
    response.status = 204;
    response.headers.emplace_back("Allow", Router::AllowHeader(route));
    return response;
  }

  Services services_;
  QueryRoutes query_routes_;
  AppRoutes app_routes_;
  NoticeRoutes notice_routes_;
  Router router_;
  std::unique_ptr<Relay> relay_;  // null: none
};

}  // namespace

std::unique_ptr<RequestHandler> MakeDispatcher(Services services, HttpMetrics* metrics,
                                               WorkPool* pool) {
  return std::make_unique<Dispatcher>(std::move(services), metrics, pool);
}

}  // namespace bulkhead
