#include "http/operator_routes.h"

#include <utility>

#include "model/value.h"

namespace bulkhead {
namespace {

HttpResponse HealthResponse(const Services& services) {
  const Health health = services.health ? services.health() : Health{true, ""};
  std::string body = health.ready ? R"({"status":"ok")" : R"({"status":"starting")";
  if (!health.detail.empty()) {
    body += ",\"detail\":";
    AppendJsonString(health.detail, &body);
  }
  body += '}';
  HttpResponse response = JsonResponse(health.ready ? 200 : 503, std::move(body));
  if (!health.ready) {
    response.headers.emplace_back("Retry-After", "1");
  }
  return response;
}

}  // namespace

void AddOperatorRoutes(const Services* services, const HttpMetrics* metrics, Router* router) {
  router->Add(Route{"/healthz", Face::kOperator, {"GET"}, [services](HttpRequest, Reply reply) {
                      reply->Send(HealthResponse(*services));
                    }});
  router->Add(
      Route{"/metrics", Face::kOperator, {"GET"}, [services, metrics](HttpRequest, Reply reply) {
              HttpResponse response;
              response.content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
              if (services->metrics) {
                services->metrics(&response.body);
              }
              metrics->AppendOpenMetrics(&response.body);
              response.body += "# EOF\n";
              reply->Send(std::move(response));
            }});
}

}  // namespace bulkhead
