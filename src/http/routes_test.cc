// The routes over real sockets: what SDKs, operators and callers without rights get.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "base/base64.h"
#include "http/caller.h"
#include "http/cors.h"
#include "http/router.h"
#include "http/server.h"
#include "http/test_client.h"
#include "query/engine.h"

namespace bulkhead {
namespace {

class OneAccount final : public ProjectLookup {
 public:
  [[nodiscard]] std::optional<ProjectId> FindByToken(std::string_view) const override {
    return std::nullopt;
  }
  [[nodiscard]] Result<ProjectId> FindByServiceAccount(
      std::string_view username, std::string_view secret,
      std::optional<ProjectId> project) const override {
    if (username == "busy") return Error{ErrorCode::kLimit, "too many failures"};
    const bool right = username == "reader" && secret == "s:cret";
    if (!right || project != ProjectId{1}) return Error{ErrorCode::kDenied, "refused"};
    return *project;
  }
};

// Refuses every read, and remembers what was asked.
class ClosedRecorder final : public ReadRecorder {
 public:
  Result<void> Record(const PersonRead& read) override {
    const std::lock_guard lock(mutex_);
    last_ = read.account + "|" + read.action + "|" + read.scope;
    for (const SubjectId& subject : read.subjects) {
      last_ += "|" + subject.ToHex();
    }
    return Error{ErrorCode::kUnavailable, "disk full at /somewhere"};
  }
  std::string last() {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  std::mutex mutex_;
  std::string last_;
};

class RoutesTest : public testing::Test {
 protected:
  void SetUp() override { Start(false); }
  void Start(bool with_engine) {
    ServerOptions options;
    options.listen = "127.0.0.1:0";
    Services services;
    services.projects = &accounts_;
    services.logins = &logins_;
    services.reads = &reads_;
    services.pseudonyms = [this](const std::vector<std::string>& ids) {
      most_asked_ = std::max(most_asked_.load(), ids.size());
      return Result<std::vector<SubjectId>>(std::vector<SubjectId>(ids.size(), SubjectId{{7}}));
    };
    if (with_engine) {
      services.engine = [this](ProjectId) { return &engine_; };
    }
    services.health = [this] { return Health{ready_, ready_ ? "" : "store is behind the log"}; };
    services.metrics = [](std::string* out) { *out += "# TYPE bulkhead_x gauge\nbulkhead_x 1\n"; };
    auto server = HttpServer::Start(options, services);
    ASSERT_TRUE(server.has_value());
    server_ = std::move(*server);
  }
  TestAnswer Ask(const std::string& method, const std::string& target,
                 const std::string& headers = "", const std::string& body = "") {
    TestClient client(server_->port());
    client.Send(method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + headers +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return client.ReadAnswer();
  }
  static std::string Basic(const std::string& pair) {
    return "Authorization: Basic " + Base64Encode(pair) + "\r\n";
  }

  OneAccount accounts_;
  FailedLogins logins_{&SystemClock()};
  ClosedRecorder reads_;
  QueryEngine engine_{nullptr, {}};  // no test here may reach its store
  bool ready_ = true;
  std::atomic<size_t> most_asked_ = 0;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(RoutesTest, StubsAnswerTheDocumentedNothing) {
  EXPECT_EQ(Ask("GET", "/flags/?context=%7B%7D&token=t").body,
            R"({"flags":{},"pending_first_time_events":[]})");
  EXPECT_EQ(Ask("GET", "/flags/definitions").body, R"({"flags":[]})");
  EXPECT_EQ(Ask("POST", "/flags/abc/first-time-events", "", "{}").status, 200);
  EXPECT_EQ(Ask("GET", "/settings/?mp_lib=web").body,
            R"({"sdk_config":{"config":{"record_sessions_percent":0}}})");
  const TestAnswer record = Ask("POST", "/record/?seq=0", "", "\x1f\x8b");
  EXPECT_EQ(record.status, 200);
  EXPECT_EQ(record.Header("Content-Type"), "application/json");
  EXPECT_EQ(Ask("GET", "/decide").status, 200);
  EXPECT_EQ(Ask("GET", "/lookup-tables?project_id=1").body,
            R"({"code":200,"status":"OK","results":[]})");
}

TEST_F(RoutesTest, LookupTablesAreNotFound) {
  const std::string id = "0f5e9a1c-1111-4222-8333-abcdefABCDEF";
  EXPECT_EQ(Ask("PUT", "/lookup-tables/" + id, "", "a,b\n1,2").body,
            R"({"code":404,"error":"Lookup table with id ')" + id +
                R"(' was not found.","status":"Not Found"})");
  const TestAnswer other = Ask("PUT", "/lookup-tables/anna@example.com/", "", "a");
  EXPECT_EQ(other.status, 404);
  EXPECT_EQ(
      other.body,
      R"({"code":404,"error":"Lookup table with id '' was not found.","status":"Not Found"})");
}

TEST_F(RoutesTest, CredentialedCorsOnIngestPathsOnly) {
  const std::string origin = "Origin: https://shop.example\r\n";
  const TestAnswer answer = Ask("GET", "/settings/", origin);
  EXPECT_EQ(answer.Header("Access-Control-Allow-Origin"), "https://shop.example");
  EXPECT_EQ(answer.Header("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(answer.Header("Vary"), "Origin");
  const TestAnswer preflight = Ask(
      "OPTIONS", "/track/", origin + "Access-Control-Request-Headers: x-mine, authorization\r\n");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.Header("Access-Control-Allow-Headers"),
            "Authorization, Content-Type, traceparent, x-mine");
  EXPECT_EQ(preflight.Header("Access-Control-Max-Age"), "86400");
  EXPECT_EQ(Ask("GET", "/track", origin).Header("Access-Control-Allow-Origin"),
            "https://shop.example");
  const TestAnswer query = Ask("OPTIONS", "/api/query/segmentation", origin);
  EXPECT_EQ(query.Header("Access-Control-Allow-Origin"), "");
}

TEST_F(RoutesTest, PreflightTakesOnlyTokensIntoItsAnswer) {
  HttpRequest request;
  request.headers = {{"origin", "https://a b"},
                     {"access-control-request-headers", "ok, b@d, , ok-2"}};
  EXPECT_EQ(PreflightResponse(request).headers.size(), 2U);  // Allow and Vary: no origin
  request.headers[0].second = "null";
  bool found = false;
  for (const auto& [name, value] : PreflightResponse(request).headers) {
    found = found || value == "Authorization, Content-Type, traceparent, ok, ok-2";
  }
  EXPECT_TRUE(found);
}

TEST_F(RoutesTest, TooLargeHasTheContractsShapeAndCors) {
  TestClient client(server_->port());
  client.Send(
      "POST /track/ HTTP/1.1\r\nHost: x\r\nOrigin: https://a.b\r\nContent-Length: "
      "20000000\r\n\r\n");
  const TestAnswer answer = client.ReadAnswer();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, R"({"code":413,"error":"request exceeds max limit of 10485760 bytes",)"
                         R"("status":"Request Entity Too Large"})");
  EXPECT_EQ(answer.Header("Access-Control-Allow-Origin"), "https://a.b");
}

TEST_F(RoutesTest, HealthAndMetrics) {
  EXPECT_EQ(Ask("GET", "/healthz").body, R"({"status":"ok"})");
  ready_ = false;
  const TestAnswer starting = Ask("GET", "/healthz");
  EXPECT_EQ(starting.status, 503);
  EXPECT_EQ(starting.body, R"({"status":"starting","detail":"store is behind the log"})");
  const TestAnswer metrics = Ask("GET", "/metrics");
  EXPECT_NE(metrics.body.find("bulkhead_x 1\n"), std::string::npos);
  EXPECT_NE(metrics.body.find(R"(bulkhead_http_requests_total{route="/healthz",status="5xx"} 1)"),
            std::string::npos);
  EXPECT_TRUE(metrics.body.ends_with("\n# EOF\n"));
}

TEST_F(RoutesTest, UnknownPathsAndMethods) {
  EXPECT_EQ(Ask("GET", "/nothing").status, 404);
  const TestAnswer answer = Ask("DELETE", "/track");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.Header("Allow"), "GET, POST, OPTIONS");
  EXPECT_EQ(Ask("POST", "/track").status, 503);  // no intake here
}

TEST_F(RoutesTest, QueriesNeedAServiceAccountAndAProject) {
  const std::string target = "/api/query/events/names";
  const TestAnswer nobody = Ask("GET", target + "?project_id=1");
  EXPECT_EQ(nobody.status, 401);
  EXPECT_NE(nobody.Header("WWW-Authenticate"), "");
  EXPECT_EQ(Ask("GET", target + "?project_id=1", Basic("reader:wrong")).status, 401);
  EXPECT_EQ(Ask("GET", target + "?project_id=2", Basic("reader:s:cret")).status, 401);
  EXPECT_EQ(Ask("GET", target, Basic("reader:s:cret")).body,
            R"({"error":"project_id: is required","status":"error"})");
  EXPECT_EQ(Ask("GET", target, Basic("reader:")).status, 400);
  EXPECT_EQ(Ask("GET", target + "?project_id=1", Basic("reader:")).status, 401);
  const TestAnswer later = Ask("GET", target + "?project_id=1", Basic("busy:s:cret"));
  EXPECT_EQ(later.status, 429);
  EXPECT_EQ(later.Header("Retry-After"), "60");
  EXPECT_EQ(Ask("GET", target + "?project_id=x", Basic("reader:s:cret")).status, 400);
  // Let in; but nothing can be asked here.
  EXPECT_EQ(Ask("GET", target + "?project_id=1", Basic("reader:s:cret")).status, 503);
  EXPECT_EQ(Ask("POST", "/api/2.0/engage/", Basic("reader:s:cret"), "project_id=1&page=0").status,
            503);
  EXPECT_EQ(Ask("POST", "/api/v1/query", Basic("reader:s:cret"), R"({"project_id":1})").status,
            503);
}

TEST_F(RoutesTest, WhatCannotBeRecordedIsNotRead) {
  Start(true);
  const std::string basic = Basic("reader:s:cret");
  const std::string pid = "00112233445566778899aabbccddeeff";
  const std::string unavailable = R"({"error":"temporarily unavailable","status":"error"})";
  TestAnswer answer = Ask("POST", "/api/query/engage?project_id=1", basic,
                          "where=user%5B%22%24email%22%5D%3D%3D%22needle%22");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, unavailable);
  EXPECT_EQ(reads_.last(), "reader|engage|all persons, where: yes, page 0");
  const std::string dates = "&from_date=2026-01-01&to_date=2026-01-02";
  answer =
      Ask("GET", "/api/2.0/stream/query?project_id=1&distinct_ids=%5B%22" + pid + "%22%5D" + dates,
          basic);
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(reads_.last(), "reader|stream/query|2026-01-01 to 2026-01-02|" + pid);
  answer = Ask("GET", "/api/2.0/engage?project_id=1&distinct_ids=%5B%22" + pid + "%22%5D", basic);
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(reads_.last(), "reader|engage|1 persons, page 0|" + pid);
  answer = Ask("GET", "/api/2.0/engage?project_id=1&distinct_ids=%5B%5D", basic);
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(reads_.last(), "reader|engage|0 persons, page 0");
  answer = Ask("GET", "/api/2.0/export/?project_id=1&event=%5B%22needle%22%5D" + dates, basic);
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(reads_.last(), "reader|export|2026-01-01 to 2026-01-02, 1 event names");
  answer = Ask("POST", "/api/v1/query", basic, R"({"project_id":1,"report":"people"})");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(reads_.last(), "reader|query people|all persons, page 0");
  answer = Ask("POST", "/api/v1/query", basic,
               R"({"project_id":1,"report":"people","subjects":[")" + pid + R"("]})");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(reads_.last(), "reader|query people|1 persons, page 0|" + pid);
}

TEST_F(RoutesTest, SoManyIdsAreAskedForAtOnceAndNoMore) {
  Start(true);
  const auto ask = [this](const std::string& ids) {
    return Ask("POST", "/api/query/engage?project_id=1",
               Basic("reader:s:cret") + "Content-Type: application/x-www-form-urlencoded\r\n",
               "distinct_ids=" + ids);
  };
  const auto ids = [](size_t count, size_t bytes) {
    std::string list = "[";
    for (size_t i = 0; i < count; ++i) {
      list += (i == 0 ? "\"" : ",\"") + std::string(bytes, 'a') + "\"";
    }
    return list + "]";
  };
  EXPECT_EQ(ask(ids(2000, 320)).status, 503);  // got as far as the audit log
  EXPECT_EQ(most_asked_, 2000U);
  const TestAnswer many = ask(ids(2001, 1));
  EXPECT_EQ(many.status, 400);
  EXPECT_NE(many.body.find("at most 2000"), std::string::npos) << many.body;
  const TestAnswer longer = ask(ids(1, 321));
  EXPECT_EQ(longer.status, 400);
  EXPECT_NE(longer.body.find("at most 320 bytes"), std::string::npos) << longer.body;
  EXPECT_EQ(most_asked_, 2000U);
}

TEST_F(RoutesTest, FacesWithoutStoredReports) {
  Start(true);
  const std::string basic = Basic("reader:s:cret");
  EXPECT_EQ(Ask("POST", "/api/query/cohorts/list?project_id=1", basic).body, "[]");
  EXPECT_EQ(Ask("GET", "/api/query/funnels/list?project_id=1", basic).body, "[]");
  EXPECT_EQ(Ask("GET", "/api/query/insights?project_id=1&bookmark_id=7", basic).status, 404);
  EXPECT_EQ(Ask("GET", "/api/query/segmentation?project_id=1&event=e", basic).body,
            R"({"error":"from_date: is required","status":"error"})");
}

TEST_F(RoutesTest, GuessingIsSlowedDown) {
  int checked = 0;
  for (int i = 0; i < 130; ++i) {
    checked += Ask("GET", "/api/v1/stats?project_id=1", Basic("reader:x")).status == 401 ? 1 : 0;
  }
  EXPECT_GE(checked, 60);
  EXPECT_LE(checked, 120);  // two minutes' worth where the minute changed meanwhile
}

TEST(RouterTest, PatternsAndTrailingSlashes) {
  Router router;
  router.Add(Route{"/flags", Face::kIngest, {"GET"}, {}});
  router.Add(Route{"/flags/{id}/events", Face::kIngest, {"POST"}, {}});
  EXPECT_NE(router.Find("/flags"), nullptr);
  EXPECT_NE(router.Find("/flags/"), nullptr);
  EXPECT_NE(router.Find("/flags/a/events"), nullptr);
  EXPECT_NE(router.Find("/flags/a/events/"), nullptr);
  for (const std::string_view path : {"", "/", "//", "/flag", "/flags//events", "/flags/a",
                                      "/flags/a/events/b", "flags", "/flags/a/b/events"}) {
    EXPECT_EQ(router.Find(path), nullptr) << path;
  }
}

TEST(CallerTest, BasicHeaders) {
  const auto credentials = ParseBasic("bAsIc " + Base64Encode("user:a:b"));
  ASSERT_TRUE(credentials.has_value());
  EXPECT_EQ(credentials->username, "user");
  EXPECT_EQ(credentials->secret, "a:b");
  for (const std::string& header : {std::string(), std::string("Basic "), std::string("Basic !!!"),
                                    "Basic " + Base64Encode("x"), "Bearer " + Base64Encode("a:b"),
                                    "Basic " + Base64Encode(std::string(2000, 'a') + ":b")}) {
    EXPECT_FALSE(ParseBasic(header).has_value());
  }
}

}  // namespace
}  // namespace bulkhead
