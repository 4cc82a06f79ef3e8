// The requests of persons over real sockets: shapes, limits, who gets what, and what must be
// recorded before.
#include <gtest/gtest.h>

#include <mutex>
#include <string>

#include "access/person_requests.h"
#include "base/base64.h"
#include "base/faulty_file_system.h"
#include "http/person_request_json.h"
#include "http/server.h"
#include "http/test_client.h"
#include "intake/failed_logins.h"
#include "intake/intake.h"
#include "query/engine_fixture.h"

namespace bulkhead {
namespace {

const std::string kDeletions = "/api/app/data-deletions/v3.0";
const std::string kRetrievals = "/api/app/data-retrievals/v3.0";

class TwoAccounts final : public ProjectLookup {
 public:
  [[nodiscard]] std::optional<ProjectId> FindByToken(std::string_view token) const override {
    return token == "token1" ? std::optional(ProjectId{1}) : std::nullopt;
  }
  [[nodiscard]] Result<ProjectId> FindByServiceAccount(
      std::string_view username, std::string_view secret,
      std::optional<ProjectId> project) const override {
    const bool known = (username == "ann" || username == "bob") && secret == "pw";
    return known && project == ProjectId{1} ? Result<ProjectId>(ProjectId{1})
                                            : Error{ErrorCode::kDenied, "refused"};
  }
};

class Records final : public ReadRecorder {
 public:
  Result<void> Record(const PersonRead& read) override {
    const std::lock_guard lock(mutex);
    if (fail) {
      return Error{ErrorCode::kUnavailable, "disk full"};
    }
    lines.push_back(read.account + " " + read.action + " " + read.scope + " " +
                    std::to_string(read.subjects.size()));
    return {};
  }
  std::mutex mutex;
  bool fail = false;
  std::vector<std::string> lines;
};

class KnowsJane final : public AccessReader {
 public:
  Result<std::vector<KnownIdentity>> Reveal(const AccessReading& reading) override {
    const std::lock_guard lock(mutex);
    asked.push_back(reading);
    if (fail_with) {
      return *fail_with;
    }
    std::vector<KnownIdentity> known;
    known.push_back(
        {Subject(1), "$email",
         reading.names_only ? SecretBytes() : SecretBytes(std::string_view("jane@\"x\".example")),
         1000, 61'000, true});
    return known;
  }
  std::mutex mutex;
  std::optional<Error> fail_with;
  std::vector<AccessReading> asked;
};

class ReceiptEraser final : public PersonEraser {
 public:
  Result<std::string> Erase(const PersonRequest& request) override {
    return "receipt: " + std::to_string(request.asked.subjects.size()) + " persons\nline two\n";
  }
};

class AppRoutesTest : public EngineFixture {
 protected:
  AppRoutesTest() : EngineFixture(1000) {
    InitCrypto();
    keys_ = KeyRing(RandomSecret(kKeyBytes));
    PersonRequestsOptions options;
    options.fs = &fs_;
    options.dir = "/requests";
    options.keys = &keys_;
    options.eraser = &eraser_;
    options.clock = &clock_;
    options.run = false;
    tasks_ = *PersonRequests::Open(options);
    Serve();
  }
  void Serve() {
    ServerOptions options;
    options.listen = "127.0.0.1:0";
    Services services;
    services.projects = &accounts_;
    services.logins = &logins_;
    services.reads = &records_;
    services.engine = [this](ProjectId) { return engine_.get(); };
    services.person_requests = tasks_.get();
    services.access = &reader_;
    services.clock = &clock_;
    server_ = *HttpServer::Start(options, services);
  }
  // A second later each, so that the pace is no matter.
  TestAnswer Ask(const std::string& method, const std::string& target, const std::string& body = "",
                 const std::string& account = "ann") {
    clock_.Set(clock_.NowMs() + 1000);
    return AskNow(method, target, body, "Basic " + Base64Encode(account + ":pw"));
  }
  TestAnswer AskNow(const std::string& method, const std::string& target, const std::string& body,
                    const std::string& authorization) {
    TestClient client(server_->port());
    client.Send(method + " " + target + " HTTP/1.1\r\nHost: house.example:8\r\n" +
                (authorization.empty() ? "" : "Authorization: " + authorization + "\r\n") +
                "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
    return client.ReadAnswer();
  }
  static std::string Ids(const std::string& rest = "") {
    return R"({"distinct_ids":[")" + Subject(1).ToHex() + R"(",")" + Subject(2).ToHex() + R"("])" +
           rest + "}";
  }
  static std::string Member(const std::string& json, const std::string& name) {
    const std::string key = "\"" + name + "\":\"";
    const size_t at = json.find(key);
    return at == std::string::npos
               ? ""
               : json.substr(at + key.size(), json.find('"', at + key.size()) - at - key.size());
  }
  std::string Add(const std::string& path, const std::string& rest = "") {
    const TestAnswer answer = Ask("POST", path + "/?token=token1", Ids(rest));
    EXPECT_EQ(answer.status, 201) << answer.body;
    return Member(answer.body, "task_id");
  }
  std::string Retrieve(const std::string& rest) {
    const std::string id = Add(kRetrievals, rest);
    clock_.Set(clock_.NowMs() + 5000);
    tasks_->RunDue();
    return "/api/v1/person-data/" + id + "?token=token1";
  }

  FaultyFileSystem fs_;
  KeyRing keys_;
  TwoAccounts accounts_;
  FailedLogins logins_{&SystemClock()};
  Records records_;
  KnowsJane reader_;
  ReceiptEraser eraser_;
  std::unique_ptr<PersonRequests> tasks_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(AppRoutesTest, ADeletionFromRequestToReceipt) {
  const TestAnswer added = Ask("POST", kDeletions + "/?token=token1", Ids());
  EXPECT_EQ(added.status, 201);
  const std::string id = Member(added.body, "task_id");
  EXPECT_EQ(id.size(), 32U);
  EXPECT_EQ(added.body,
            R"({"status":"ok","results":{"status":"PENDING","task_id":")" + id +
                R"(","tracking_id":")" + id +
                R"(","project_id":1,"compliance_type":"GDPR","date_requested":")" +
                TimeText(clock_.NowMs()) +
                R"(","requesting_user":"ann","distinct_id_count":2,"destination_url":null,)"
                R"("result":"","distinct_ids":[")" +
                Subject(1).ToHex() + R"(",")" + Subject(2).ToHex() + R"("]}})");
  const std::string path = kDeletions + "/" + id + "?token=token1";
  EXPECT_EQ(Member(Ask("GET", path).body.substr(24), "status"), "PENDING");
  clock_.Set(clock_.NowMs() + 3000);
  EXPECT_EQ(Member(Ask("GET", path).body.substr(24), "status"), "STAGING");
  EXPECT_EQ(tasks_->RunDue(), 1U);
  const TestAnswer done = Ask("GET", path, "", "bob");  // every account of the project may look
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(Member(done.body.substr(24), "status"), "SUCCESS");
  EXPECT_NE(done.body.find(R"("receipt":"receipt: 2 persons\nline two\n")"), std::string::npos);
  const TestAnswer late = Ask("DELETE", path);
  EXPECT_EQ(late.status, 405);
  EXPECT_EQ(late.body,
            R"({"error":"the request has begun and cannot be revoked","status":"error"})");
}

TEST_F(AppRoutesTest, RevokingAndUnknownOnes) {
  const std::string id = Add(kDeletions);
  const std::string path = kDeletions + "/" + id + "/?token=token1";
  EXPECT_EQ(Ask("DELETE", kRetrievals + "/" + id + "?token=token1").status, 404);
  const TestAnswer revoked = Ask("DELETE", path);
  EXPECT_EQ(revoked.status, 204);
  EXPECT_EQ(revoked.body, "");
  clock_.Set(clock_.NowMs() + 9000);
  EXPECT_EQ(tasks_->RunDue(), 0U);
  EXPECT_EQ(Member(Ask("GET", path).body.substr(24), "status"), "REVOKED");
  const TestAnswer unknown = Ask("GET", kDeletions + "/none?token=token1");
  EXPECT_EQ(unknown.status, 200);
  EXPECT_EQ(unknown.body,
            R"({"status":"ok","results":{"status":"NOT_FOUND","result":"","distinct_ids":[]}})");
}

TEST_F(AppRoutesTest, WhoMayAsk) {
  const std::string target = kDeletions + "?token=token1";
  const std::string right = Base64Encode("ann:pw");
  EXPECT_EQ(AskNow("POST", target, Ids(), "").status, 401);
  EXPECT_EQ(AskNow("POST", target, Ids(), "Basic " + Base64Encode("ann:wrong")).status, 401);
  EXPECT_EQ(AskNow("POST", target, Ids(), "Bearer nonsense").status, 401);
  EXPECT_EQ(AskNow("POST", kDeletions, Ids(), "Basic " + right).status, 400);
  EXPECT_EQ(AskNow("POST", kDeletions + "?token=other", Ids(), "Basic " + right).status, 401);
  EXPECT_EQ(AskNow("GET", target, "", "Basic " + right).status, 405);
  EXPECT_EQ(AskNow("POST", target, Ids(), "bearer " + right).status, 201);
}

TEST_F(AppRoutesTest, OneRequestASecond) {
  const std::string target = kDeletions + "?token=token1";
  const std::string basic = "Basic " + Base64Encode("ann:pw");
  EXPECT_EQ(AskNow("POST", target, Ids(), basic).status, 201);
  const TestAnswer later = AskNow("POST", target, Ids(), basic);
  EXPECT_EQ(later.status, 429);
  EXPECT_EQ(later.Header("Retry-After"), "1");
  clock_.Set(clock_.NowMs() + 1000);
  EXPECT_EQ(AskNow("POST", target, Ids(), basic).status, 201);
}

TEST_F(AppRoutesTest, WrongRequestsSayWhatIsWrongAndRepeatNothing) {
  const std::string target = kRetrievals + "?token=token1";
  std::string many = R"({"distinct_ids":[)";
  for (int i = 0; i < 2001; ++i) {
    many += (i == 0 ? "\"" : ",\"") + Subject(static_cast<uint8_t>(i)).ToHex() + "\"";
  }
  for (const auto& [body, part] : std::vector<std::pair<std::string, std::string>>{
           {"", "JSON"},
           {"{}", "distinct_ids"},
           {R"({"distinct_ids":[]})", "distinct_ids"},
           {R"({"distinct_ids":[""]})", "distinct_ids"},
           {R"({"distinct_ids":{"a":1}})", "distinct_ids"},
           {R"({"distinct_ids":"ann"})", "distinct_ids"},
           {many + "]}", "distinct_ids"},
           {Ids(R"(,"compliance_type":"secret-needle")"), "compliance_type"},
           {Ids(R"(,"disclosure_type":"secret-needle")"), "disclosure_type"}}) {
    const TestAnswer answer = Ask("POST", target, body);
    EXPECT_EQ(answer.status, 400) << body.substr(0, 80);
    EXPECT_NE(answer.body.find(part), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("needle"), std::string::npos);
  }
  // A raw id needs intake, which is not there.
  EXPECT_EQ(Ask("POST", target, R"({"distinct_ids":["ann@example.com"]})").status, 503);
}

TEST_F(AppRoutesTest, ARetrievalGivesEverythingKnownToWhoAskedForIt) {
  Batch batch;
  batch.events.push_back(MakeEvent(1, "Buy", At(2, 1), {{"mp_lib", Value("web")}}));
  batch.events.push_back(MakeEvent(1, "Look", At(1, 1), {}));
  batch.events.push_back(MakeEvent(3, "Other", At(1, 1), {}));
  ProfileUpdate update;
  update.subject = Subject(1);
  update.op = ProfileOperator::kSet;
  update.ignore_time = true;
  update.properties = {{"plan", Value("pro")}};
  batch.profile_updates.push_back(update);
  Apply(batch);
  const std::string target = Retrieve(R"(,"compliance_type":"CCPA")");
  const std::string id = target.substr(20, 32);
  const TestAnswer status = Ask("GET", kRetrievals + "/" + id + "?token=token1");
  EXPECT_EQ(Member(status.body, "result"), "http://house.example:8" + target);
  EXPECT_EQ(Member(status.body, "destination_url"), "http://house.example:8" + target);
  EXPECT_EQ(Ask("GET", target, "", "bob").status, 403);
  EXPECT_EQ(records_.lines.size(), 0U);
  const TestAnswer data = Ask("GET", target);
  EXPECT_EQ(data.status, 200);
  EXPECT_EQ(data.Header("Content-Type"), "application/json");
  EXPECT_EQ(
      data.body,
      R"({"task_id":")" + id +
          R"(","project_id":1,"compliance_type":"CCPA","disclosure_type":"Data","made_at":")" +
          TimeText(clock_.NowMs()) + R"(","persons":[{"distinct_id":")" + Subject(1).ToHex() +
          R"(","identities":[{"field":"$email","value":"jane@\"x\".example",)"
          R"("first_seen":"1970-01-01T00:00:01Z","last_seen":"1970-01-01T00:01:01Z",)"
          R"("current":true}],"profile":{"plan":"pro"},"events":[)"
          R"({"event":"Look","properties":{"time":)" +
          std::to_string(At(1, 1) / 1000) + R"(}},{"event":"Buy","properties":{"time":)" +
          std::to_string(At(2, 1) / 1000) + R"(,"mp_lib":"web"}}]},{"distinct_id":")" +
          Subject(2).ToHex() + R"(","identities":[],"profile":{},"events":[]}]})" + "\n");
  ASSERT_EQ(records_.lines.size(), 1U);
  EXPECT_EQ(records_.lines[0], "ann access request task " + id + " 2");
  ASSERT_EQ(reader_.asked.size(), 1U);
  EXPECT_EQ(reader_.asked[0].task_id, id);
  EXPECT_EQ(reader_.asked[0].account, "ann");

  const TestAnswer categories = Ask("GET", Retrieve(R"(,"disclosure_type":"Categories")"));
  EXPECT_NE(
      categories.body.find(
          R"("identities":["$email"],"profile":["plan"],"events":{"Buy":["mp_lib"],"Look":[]})"),
      std::string::npos)
      << categories.body;
  EXPECT_TRUE(reader_.asked.back().names_only);
  EXPECT_EQ(categories.body.find("jane"), std::string::npos);
  const TestAnswer sources = Ask("GET", Retrieve(R"(,"disclosure_type":"Sources")"));
  EXPECT_NE(sources.body.find(R"("sources":["unknown","web"])"), std::string::npos) << sources.body;
  EXPECT_EQ(reader_.asked.size(), 2U);
}

TEST_F(AppRoutesTest, NothingIsGivenWithoutARecordNorTooLate) {
  const std::string target = Retrieve("");
  records_.fail = true;
  EXPECT_EQ(Ask("GET", target).status, 503);
  EXPECT_EQ(reader_.asked.size(), 0U);
  records_.fail = false;
  reader_.fail_with = Error{ErrorCode::kLimit, "the budget of today is used up"};
  EXPECT_EQ(Ask("GET", target).status, 429);
  reader_.fail_with = Error{ErrorCode::kUnavailable, "it cannot be recorded"};
  EXPECT_EQ(Ask("GET", target).status, 503);
  reader_.fail_with = std::nullopt;
  clock_.Set(clock_.NowMs() + kPersonDataOpenMs);
  EXPECT_EQ(Ask("GET", target).status, 410);
  EXPECT_EQ(Ask("GET", "/api/v1/person-data/none?token=token1").status, 404);
}

}  // namespace
}  // namespace bulkhead
