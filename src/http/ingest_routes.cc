#include "http/ingest_routes.h"

#include <utility>

#include "http/cors.h"
#include "intake/intake.h"

namespace bulkhead {
namespace {

void Accept(Intake* intake, IngestRequest::Endpoint endpoint, HttpRequest request, Reply reply) {
  HttpResponse with_origin;
  AllowOrigin(request, &with_origin);
  if (intake == nullptr) {
    HttpResponse response = IngestErrorResponse(503, "intake is not running");
    response.headers.insert(response.headers.end(), with_origin.headers.begin(),
                            with_origin.headers.end());
    reply->Send(std::move(response));
    return;
  }
  if (request.method == "HEAD") {  // asks about the path, and is safe: nothing is stored
    with_origin.content_type = "text/plain";
    reply->Send(std::move(with_origin));
    return;
  }
  IngestRequest ingest;
  ingest.endpoint = endpoint;
  ingest.method = request.method;
  ingest.query = request.query;
  ingest.content_type = request.Header("content-type");
  ingest.content_encoding = request.Header("content-encoding");
  ingest.body = request.body;
  ingest.authorization = request.Header("authorization");
  ingest.host = request.Header("host");
  ingest.client_ip = request.client_ip;
  ingest.user_agent = request.Header("user-agent");
  ingest.origin = request.Header("origin");
  ingest.do_not_track = request.Header("dnt") == "1";
  ingest.global_privacy_control = request.Header("sec-gpc") == "1";
  intake->Accept(ingest, [reply = std::move(reply),
                          cors = std::move(with_origin.headers)](IngestResponse answer) {
    HttpResponse response;
    response.status = answer.status;
    response.content_type = std::move(answer.content_type);
    response.body = std::move(answer.body);
    response.headers = std::move(answer.headers);
    response.headers.insert(response.headers.end(), cors.begin(), cors.end());
    reply->Send(std::move(response));
  });
}

// The same JSON for everybody: it depends on nothing the client sent, so nothing is checked.
void AddEmpty(std::string_view pattern, std::vector<std::string_view> methods, std::string body,
              Router* router) {
  router->Add(Route{std::string(pattern), Face::kIngest, std::move(methods),
                    [body = std::move(body)](HttpRequest request, Reply reply) {
                      HttpResponse response = JsonResponse(200, body);
                      AllowOrigin(request, &response);
                      reply->Send(std::move(response));
                    }});
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) {
    return false;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    const bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (is_hyphen ? c != '-' : !is_hex) {
      return false;
    }
  }
  return true;
}

// There are no lookup tables. An id that is a uuid is named, as Mixpanel does; what else stands
// there is not given back.
void AnswerNoLookupTable(HttpRequest request, const Reply& reply) {
  std::string_view path = request.path;
  if (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  const std::string_view id = path.substr(path.rfind('/') + 1);
  std::string message = "Lookup table with id '";
  message.append(IsUuid(id) ? id : std::string_view()).append("' was not found.");
  HttpResponse response = IngestErrorResponse(404, message);
  AllowOrigin(request, &response);
  reply->Send(std::move(response));
}

}  // namespace

void AddIngestRoutes(const Services* services, Router* router) {
  const auto add = [&](std::string_view pattern, IngestRequest::Endpoint endpoint) {
    router->Add(Route{std::string(pattern),
                      Face::kIngest,
                      {"GET", "POST"},
                      [services, endpoint](HttpRequest request, Reply reply) {
                        Accept(services->intake, endpoint, std::move(request), std::move(reply));
                      }});
  };
  add("/track", IngestRequest::kTrack);
  add("/import", IngestRequest::kImport);
  add("/engage", IngestRequest::kEngage);
  add("/groups", IngestRequest::kGroups);
}

void AddSdkSupportRoutes(const Services* /*services*/, Router* router) {
  AddEmpty("/flags", {"GET", "POST"}, R"({"flags":{},"pending_first_time_events":[]})", router);
  AddEmpty("/flags/definitions", {"GET"}, R"({"flags":[]})", router);
  AddEmpty("/flags/{id}/first-time-events", {"POST"}, R"({"status":"ok"})", router);
  // Recordings are not kept, so none should be sent; an empty config makes the browser SDK
  // complain.
  AddEmpty("/settings", {"GET"}, R"({"sdk_config":{"config":{"record_sessions_percent":0}}})",
           router);
  AddEmpty("/record", {"POST"}, R"({"code":200,"status":"OK"})", router);
  AddEmpty("/decide", {"GET", "POST"},
           R"({"notifications":[],"config":{"enable_collect_everything":false}})", router);
  AddEmpty("/lookup-tables", {"GET"}, R"({"code":200,"status":"OK","results":[]})", router);
  router->Add(Route{"/lookup-tables/{id}", Face::kIngest, {"PUT"}, AnswerNoLookupTable});
}

}  // namespace bulkhead
