#include "intake/intake.h"

#include <unistd.h>

#include <string>

#include "base/percent.h"
#include "intake/intake_fixture.h"

namespace bulkhead {
namespace {

constexpr const char* kStatusOk = R"({"status":1,"error":null})";
constexpr const char* kOneEvent =
    R"({"event":"Signed Up","properties":{"distinct_id":"u1","plan":"pro","token":"TOKENA","mp_lib":"node"}})";

std::string Basic(std::string_view credentials) {
  return std::string("Basic ").append(Base64Encode(credentials));
}
std::string Data(std::string_view json) { return std::string("data=").append(Base64Encode(json)); }

TEST_F(IntakeTest, BodiesAreExact) {
  const IngestResponse plain = Post(IngestRequest::kTrack, "", kOneEvent);
  EXPECT_EQ(plain.status, 200);
  EXPECT_EQ(plain.body, "1");
  EXPECT_EQ(plain.content_type, "text/plain");
  EXPECT_EQ(Post(IngestRequest::kTrack, "verbose=1", kOneEvent).body, kStatusOk);
  EXPECT_EQ(Post(IngestRequest::kTrack, "", Data(kOneEvent)).body, "1");
  const std::string python = "data=" + PercentEncode(kOneEvent) + "&verbose=1&ip=0";
  EXPECT_EQ(Post(IngestRequest::kTrack, "", python).body, kStatusOk);
  EXPECT_EQ(Post(IngestRequest::kTrack, "", "[]").body, "1");
  EXPECT_EQ(Post(IngestRequest::kTrack, "", "nonsense").body, "0");
  EXPECT_EQ(Post(IngestRequest::kTrack, "", R"({"event":"a","properties":{"token":"WRONG"}})").body,
            "0");
  EXPECT_EQ(
      Post(IngestRequest::kTrack, "verbose=1", R"({"event":"a"})").body,
      R"({"status":0,"error":"'properties.token' is invalid: must be the token of a project"})");
  EXPECT_EQ(Logged().size(), 4U);
}

TEST_F(IntakeTest, GetWithPixelJsonpAndRedirect) {
  const auto get = [&](const std::string& more) {
    const std::string query = "data=" + PercentEncode(Base64Encode(kOneEvent)) + more;
    IngestRequest request;
    request.method = "GET";
    request.query = query;
    request.host = "in.example.org";
    return Send(request);
  };
  EXPECT_EQ(get("").body, "1");
  const IngestResponse pixel = get("&img=1");
  EXPECT_EQ(pixel.content_type, "image/gif");
  EXPECT_EQ(pixel.body.size(), 43U);
  EXPECT_TRUE(pixel.body.starts_with("GIF89a"));
  const IngestResponse jsonp = get("&callback=app.done");
  EXPECT_EQ(jsonp.content_type, "text/javascript");
  EXPECT_EQ(jsonp.body, "app.done(1);");
  const IngestResponse moved = get("&redirect=%2Fthanks");
  EXPECT_EQ(moved.status, 302);
  EXPECT_EQ(moved.headers.at(0).second, "/thanks");
  EXPECT_EQ(get("&callback=mixpanel._jsc%5B123%5D").body, "mixpanel._jsc[123](1);");
  EXPECT_EQ(get("&callback=(function()%7B%7D)").body, "(function(){})(1);");
  const size_t accepted = Logged().size();
  EXPECT_EQ(get("&callback=alert(1)").status, 400);
  EXPECT_EQ(Logged().size(), accepted);
  const IngestResponse elsewhere = get("&redirect=https%3A%2F%2Fevil.org");
  EXPECT_EQ(elsewhere.status, 200);
  EXPECT_EQ(elsewhere.body, "1");
  EXPECT_TRUE(elsewhere.headers.empty());
  EXPECT_EQ(get("&redirect=secret&callback=secret").body, "1");
  EXPECT_EQ(Logged().size(), accepted + 2);
}

TEST_F(IntakeTest, ImportAnswersByTheFormOfTheRequest) {
  const std::string event =
      R"([{"event":"a","properties":{"distinct_id":"u","time":1600000000,"$insert_id":"i1"}}])";
  const std::string account = Basic("sa:pw");
  EXPECT_EQ(Post(IngestRequest::kImport, "strict=1&project_id=1", event, account).body,
            R"({"code":200,"num_records_imported":1,"status":"OK"})");
  EXPECT_EQ(Post(IngestRequest::kImport, "verbose=0", Data(event), Basic("TOKENA:")).body, "1");
  EXPECT_EQ(
      Post(IngestRequest::kImport, "project_id=1", Data(event) + "&verbose=1&ip=0", account).body,
      kStatusOk);
  EXPECT_EQ(Post(IngestRequest::kImport, "verbose=0&api_key=TOKENB", Data(event)).body, "1");
  const IngestResponse refused =
      Post(IngestRequest::kImport, "project_id=1", event, Basic("sa:wrong"));
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.body, R"({"code":401,"error":"Invalid credentials","status":"Unauthorized"})");
  EXPECT_EQ(Post(IngestRequest::kImport, "", event).status, 401);
  EXPECT_EQ(Post(IngestRequest::kImport, "", event, "Bearer x").status, 401);
  EXPECT_EQ(Post(IngestRequest::kImport, "project_id=2", event, Basic("TOKENA:")).status, 401);
  const std::vector<Batch> batches = Logged();
  ASSERT_EQ(batches.size(), 4U);
  EXPECT_EQ(batches[3].project.value, 2U);
  EXPECT_TRUE(batches[0].from_import);
  EXPECT_NE(batches[0].events[0].insert_id, 0U);
  EXPECT_TRUE(Find(batches[0].events[0].properties, "$import")->bool_value());
}

TEST_F(IntakeTest, WhoeverGuessesIsToldToComeBack) {
  const std::string event = R"([{"event":"a","properties":{"distinct_id":"u","time":1600000000}}])";
  const auto import = [&](std::string_view credentials) {
    return Post(IngestRequest::kImport, "project_id=1", event, Basic(credentials));
  };
  const IngestResponse busy = import("busy:pw");
  EXPECT_EQ(busy.status, 429);
  EXPECT_EQ(busy.body, R"({"code":429,"error":"too many failed logins, please retry in a minute",)"
                       R"("status":"Too Many Requests"})");
  EXPECT_EQ(busy.headers.at(0).first, "Retry-After");
  for (int i = 0; i < 60; ++i) EXPECT_EQ(import("sa:wrong").status, 401);
  EXPECT_EQ(import("sa:wrong").status, 429);
  EXPECT_EQ(import("sa:pw").status, 429);
  EXPECT_EQ(import("TOKENA:").status, 200);  // a token is no secret
  const std::string_view update = R"([{"$distinct_id":"u","$set":{"a":1}}])";
  EXPECT_EQ(Post(IngestRequest::kEngage, "", update, Basic("sa:pw")).status, 429);
  clock_.Set(kNow + 60'000);
  EXPECT_EQ(import("sa:pw").status, 200);
}

TEST_F(IntakeTest, FailedRecordsCarryBothSpellingsAndNoValue) {
  const IngestResponse response = Post(
      IngestRequest::kImport, "strict=1",
      R"([{"event":"a","properties":{"distinct_id":"u","time":1600000000}},{"event":"a","properties":{"distinct_id":"anna@example.com","time":"soon","$insert_id":"i-2"}}])",
      Basic("sa:pw"));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(
      response.body,
      R"({"code":400,"error":"some data points in the request failed validation","failed_records":[{"index":1,)"
      R"("$insert_id":"i-2","insert_id":"i-2","field":"properties.time","message":"'properties.time' is invalid: )"
      R"(must be specified as seconds since epoch"}],"num_records_imported":1,"status":"Bad Request"})");
  EXPECT_EQ(Logged().size(), 1U);
}

TEST_F(IntakeTest, LimitsAreHttpStatuses) {
  const std::string large(limits::kMaxBodyBytes + 1, ' ');
  const IngestResponse response = Post(IngestRequest::kTrack, "", large);
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(
      response.body,
      R"({"code":413,"error":"request exceeds max limit of 10485760 bytes","status":"Request Entity Too Large"})");
}

TEST_F(IntakeTest, AFullDiskIsToldAndNothingIsAcknowledged) {
  LogWriterOptions full;
  full.min_free_bytes = ~uint64_t{0};
  OpenLog(full);
  const IngestResponse response = Post(IngestRequest::kTrack, "", kOneEvent);
  EXPECT_EQ(response.status, 503);
  ASSERT_EQ(response.headers.size(), 1U);
  EXPECT_EQ(response.headers[0].first, "Retry-After");
  EXPECT_TRUE(Logged().empty());
}

TEST_F(IntakeTest, Identity) {
  const auto logged = [&](const std::string& properties) {
    const std::string json = std::string(R"({"event":"e","properties":{"token":"TOKENA",)")
                                 .append(properties)
                                 .append("}}");
    EXPECT_EQ(Post(IngestRequest::kTrack, "", json).body, "1");
    return Logged().back().events.at(0);
  };
  const SubjectId user = intake_->Pseudonymise("u1");
  const SubjectId device = intake_->Pseudonymise("$device:d1");
  const Event both = logged(R"("distinct_id":"u1","$device_id":"d1","$user_id":"u1")");
  EXPECT_EQ(both.person, user);
  EXPECT_EQ(both.device, device);
  EXPECT_EQ(Find(both.properties, "$user_id")->string(), user.ToHex());
  EXPECT_EQ(Find(both.properties, "$device_id")->string(), device.ToHex());
  const Event anonymous = logged(R"("distinct_id":"$device:d1","$device_id":"d1")");
  EXPECT_EQ(anonymous.person, device);
  EXPECT_EQ(anonymous.device, device);
  EXPECT_EQ(logged(R"("distinct_id":"$device:d1")").device, device);
  EXPECT_EQ(logged(R"("distinct_id":"u1")").person, user);
  EXPECT_TRUE(logged(R"("distinct_id":"u1")").device.IsNobody());
  EXPECT_TRUE(logged(R"("distinct_id":"")").person.IsNobody());
  EXPECT_TRUE(logged(R"("distinct_id":"undefined")").person.IsNobody());
  const Event unnamed = logged(R"("k":1)");
  EXPECT_FALSE(unnamed.person.IsNobody());
  EXPECT_NE(unnamed.person, intake_->Pseudonymise("203.0.113.77"));
  EXPECT_EQ(unnamed.person, logged(R"("k":2)").person);
  EXPECT_TRUE(intake_->Pseudonymise("").IsNobody());
  const Event identify = logged(
      R"("distinct_id":"u1","$anon_distinct_id":"$device:d1","alias":"u2","$distinct_ids":["u1","u2"])");
  EXPECT_EQ(Find(identify.properties, "$anon_distinct_id")->string(), device.ToHex());
  EXPECT_EQ(Find(identify.properties, "alias")->string(), intake_->Pseudonymise("u2").ToHex());
  EXPECT_EQ(Find(identify.properties, "$distinct_ids")->list().at(0).string(), user.ToHex());
}

TEST_F(IntakeTest, ADeviceNamedAsUserIsNotSent) {
  EXPECT_EQ(
      Post(
          IngestRequest::kTrack, "",
          R"({"event":"a","properties":{"token":"TOKENA","$device_id":"d1","$user_id":"$device:d2"}})")
          .body,
      "1");
  const Event event = Logged().back().events.at(0);
  EXPECT_EQ(event.person, intake_->Pseudonymise("$device:d1"));
  EXPECT_EQ(event.device, event.person);
  EXPECT_EQ(Find(event.properties, "$user_id"), nullptr);
}

TEST_F(IntakeTest, NothingRawReachesTheLog) {
  user_agent_ = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  // A key that starts before the cut and ends behind it.
  const std::string secret =
      "sk_live_"
      "4eC39HqLyjWDarjtT1zdp7dcAbCdEfGh";
  const std::string text = std::string(230, 'x').append(" ").append(secret);
  const std::string json =
      std::string(
          R"({"event":"e","properties":{"token":"TOKENA","distinct_id":"anna-raw-id","$device_id":"raw-device",)")
          .append(
              R"("ip":"198.51.100.9","contact":"anna@example.com","alias":"raw-alias","note":")")
          .append(text)
          .append("\"}}");
  EXPECT_EQ(Post(IngestRequest::kTrack, "ip=1", json).body, "1");
  EXPECT_EQ(
      Post(
          IngestRequest::kEngage, "",
          R"([{"$token":"TOKENA","$distinct_id":"anna-raw-id","$set":{"$email":"anna@example.com","plan":"pro"}}])")
          .body,
      "1");
  const std::string bytes = LogBytes();
  for (const std::string_view raw :
       {"anna-raw-id", "raw-device", "raw-alias", "198.51.100.9", "203.0.113.77",
        "anna@example.com", "sk_live_4e", "TOKENA", "Gecko", "4eC39"}) {
    EXPECT_EQ(bytes.find(raw), std::string::npos) << raw;
  }
  const std::vector<Batch> batches = Logged();
  ASSERT_EQ(batches.size(), 2U);
  EXPECT_EQ(Find(batches[0].events[0].properties, "$browser")->string(), "Firefox");
  const std::vector<SealedField> fields = Opened(batches[1]);
  ASSERT_EQ(fields.size(), 1U);
  EXPECT_EQ(fields[0].subject, intake_->Pseudonymise("anna-raw-id"));
  EXPECT_EQ(fields[0].field, "$email");
  EXPECT_EQ(fields[0].value, "anna@example.com");
  EXPECT_TRUE(fields[0].from_profile);
  EXPECT_NE(Find(batches[1].profile_updates[0].properties, "$email"), nullptr);
  EXPECT_FALSE(counters_.Snapshot().empty());
}

TEST_F(IntakeTest, LongStringsAreCutAfterTheSieve) {
  std::string json = R"({"event":"e","properties":{"token":"TOKENA","distinct_id":"u","text":")";
  for (int i = 0; i < 100; ++i) json += "word ";
  json += "\"}}";
  EXPECT_EQ(Post(IngestRequest::kTrack, "", json).body, "1");
  EXPECT_EQ(Find(Logged().at(0).events.at(0).properties, "text")->string().size(), 255U);
}

TEST_F(IntakeTest, Profiles) {
  EXPECT_EQ(Post(IngestRequest::kEngage, "verbose=1&strict=1&project_id=1",
                 R"([{"$distinct_id":"u","$set":{"a":1}}])", Basic("TOKENA:"))
                .body,
            R"({"code":200,"num_records_imported":1,"status":"OK"})");
  EXPECT_EQ(
      Post(IngestRequest::kEngage, "", R"([{"$distinct_id":"u","$set":{"a":1}}])", Basic("WRONG:"))
          .status,
      401);
  EXPECT_EQ(Post(IngestRequest::kEngage, "", R"([{"$distinct_id":"u","$set":{"a":1}}])").body, "0");
  EXPECT_EQ(
      Post(IngestRequest::kGroups, "",
           R"([{"$set":{"seats":2},"$group_key":"company","$group_id":"acme","$token":"TOKENB"}])")
          .body,
      "1");
  EXPECT_EQ(Post(IngestRequest::kEngage, "",
                 R"({"$token":"TOKENA","$distinct_id":"u","$delete":"","$ignore_alias":true})")
                .body,
            "1");
  const std::vector<Batch> batches = Logged();
  ASSERT_EQ(batches.size(), 3U);
  EXPECT_EQ(batches[0].profile_updates[0].subject, intake_->Pseudonymise("u"));
  EXPECT_EQ(batches[1].profile_updates[0].group_id, "acme");
  EXPECT_TRUE(batches[1].profile_updates[0].subject.IsNobody());
  EXPECT_EQ(batches[2].profile_updates[0].op, ProfileOperator::kDelete);
}

TEST_F(IntakeTest, OneRequestForTwoProjectsIsTwoBatches) {
  EXPECT_EQ(
      Post(
          IngestRequest::kTrack, "",
          R"([{"event":"a","properties":{"token":"TOKENA"}},{"event":"b","properties":{"token":"TOKENB"}}])")
          .body,
      "1");
  EXPECT_EQ(Logged().size(), 2U);
}

TEST_F(IntakeTest, BrowserOnlyWhereTheClientSentNone) {
  user_agent_ = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  EXPECT_EQ(Post(IngestRequest::kTrack, "",
                 R"({"event":"a","properties":{"token":"TOKENA","$browser":"Own"}})")
                .body,
            "1");
  user_agent_ = "python-requests/2.31";
  EXPECT_EQ(Post(IngestRequest::kTrack, "", kOneEvent).body, "1");
  const std::vector<Batch> batches = Logged();
  EXPECT_EQ(Find(batches.at(0).events.at(0).properties, "$browser")->string(), "Own");
  EXPECT_EQ(Find(batches.at(1).events.at(0).properties, "$browser"), nullptr);
}

}  // namespace
}  // namespace bulkhead
