#include "egress/destination.h"

#include <gtest/gtest.h>

#include <set>

#include "base/base64.h"
#include "egress/standard_webhook.h"

namespace bulkhead {
namespace {

using Kind = OutboundMessage::Kind;

constexpr int64_t kTime = 1'700'000'000'123;  // 2023-11-14T22:13:20.123Z
constexpr std::string_view kPerson = "0102030405060708090a0b0c0d0e0f10";
const std::string kWebhookSecret = "whsec_" + Base64Encode(std::string(32, 'k'));

std::string IdOf(size_t number) {
  std::string id = std::to_string(number);
  return id.insert(0, 32 - id.size(), '0');
}

OutboundMessage Event(std::string name, std::vector<OutboundField> fields) {
  return {Kind::kEvent,    IdOf(7), *SubjectId::FromHex(kPerson),
          std::move(name), kTime,   std::move(fields)};
}
OutboundMessage Profile(std::vector<OutboundField> fields) {
  return {Kind::kProfile, IdOf(8), *SubjectId::FromHex(kPerson), "", kTime, std::move(fields)};
}
OutboundMessage OfNobody(OutboundMessage message) {
  message.vendor_id = {};
  return message;
}
std::vector<OutboundField> SomeFields() {
  return {{"plan", Value("pro \"x\""), FieldForm::kPlain},
          {"$email", Value("a@example.org"), FieldForm::kIdentity},
          {"tags", Value(ValueList{Value("a"), Value(2.0)}), FieldForm::kCoarse}};
}
std::vector<OutboundField> OneField(std::string name, Value value) {
  return {{std::move(name), std::move(value), FieldForm::kPlain}};
}

std::unique_ptr<Destination> Make(VendorType type, std::string credential, std::string url = "") {
  static const ManualClock clock(1'800'000'000'500);
  InitCrypto();
  return MakeDestination({type, std::move(url), std::move(credential), &clock}).value();
}
std::unique_ptr<Destination> Mixpanel() { return Make(VendorType::kMixpanel, "42:user:pass:TOK"); }
std::unique_ptr<Destination> Amplitude() { return Make(VendorType::kAmplitude, "KEY"); }
std::unique_ptr<Destination> Posthog() { return Make(VendorType::kPosthog, "phc_KEY"); }
std::unique_ptr<Destination> Segment() { return Make(VendorType::kSegment, "KEY"); }
std::unique_ptr<Destination> Ga4() { return Make(VendorType::kGa4, "G-ABC:sec_ret"); }
std::unique_ptr<Destination> Webhook() {
  return Make(VendorType::kWebhook, kWebhookSecret, "https://hooks.example.org/in?team=1");
}
std::vector<std::unique_ptr<Destination>> All() {
  std::vector<std::unique_ptr<Destination>> all;
  all.push_back(Mixpanel());
  all.push_back(Amplitude());
  all.push_back(Posthog());
  all.push_back(Segment());
  all.push_back(Ga4());
  all.push_back(Webhook());
  return all;
}

VendorRequest OnlyRequest(const Destination& destination, const OutboundMessage& message) {
  EncodedBatch batch = destination.Encode({&message, 1});
  EXPECT_TRUE(batch.refused.empty()) << batch.refused.at(0).reason;
  return std::move(batch.requests.at(0));
}
std::string BodyOf(const Destination& destination, const OutboundMessage& message) {
  return OnlyRequest(destination, message).body;
}
std::string RefusalOf(const Destination& destination, const OutboundMessage& message) {
  const EncodedBatch batch = destination.Encode({&message, 1});
  EXPECT_TRUE(batch.requests.empty());
  return batch.refused.at(0).reason;
}

SendOutcome Answer(const Destination& destination, int status, std::string body,
                   std::string retry_after = "") {
  VendorRequest request;
  request.messages = {10, 11, 12};
  return destination.Judge(request, {status, std::move(body), std::move(retry_after)});
}
std::vector<size_t> Places(const SendOutcome& outcome) {
  std::vector<size_t> places;
  for (const RefusedMessage& refused : outcome.refused) places.push_back(refused.message);
  return places;
}

TEST(MixpanelDestination, WritesEventsAndProfiles) {
  const VendorRequest events = OnlyRequest(*Mixpanel(), Event("Signed Up", SomeFields()));
  EXPECT_EQ(events.url, "https://api.mixpanel.com/import?strict=1&ip=0&project_id=42");
  EXPECT_EQ(events.headers.at(0).second, "Basic " + Base64Encode("user:pass"));
  EXPECT_EQ(events.body, R"([{"event":"Signed Up","properties":{"time":1700000000123,)"
                         R"("distinct_id":"01020304-0506-0708-090a-0b0c0d0e0f10",)"
                         R"("$insert_id":"00000000000000000000000000000007","plan":"pro \"x\"",)"
                         R"("$email":"a@example.org","tags":["a",2]}}])");
  const VendorRequest profiles = OnlyRequest(*Mixpanel(), Profile(SomeFields()));
  EXPECT_EQ(profiles.url, "https://api.mixpanel.com/engage?verbose=1&strict=1&ip=0");
  EXPECT_EQ(profiles.body,
            R"([{"$token":"TOK","$distinct_id":"01020304-0506-0708-090a-0b0c0d0e0f10",)"
            R"("$ignore_time":true,"$set":{"plan":"pro \"x\"","$email":"a@example.org",)"
            R"("tags":["a",2]}}])");
  EXPECT_NE(BodyOf(*Mixpanel(), OfNobody(Event("e", {}))).find(R"("distinct_id":"")"),
            std::string::npos);
}

TEST(MixpanelDestination, LetsNoFieldOrEventJoinIds) {
  const std::string body =
      BodyOf(*Mixpanel(), Event("e", {{"distinct_id", Value("x1"), FieldForm::kPlain},
                                      {"$device_id", Value("x2"), FieldForm::kToken},
                                      {"time", Value(5.0), FieldForm::kPlain}}));
  EXPECT_EQ(body, R"([{"event":"e","properties":{"time":1700000000123,)"
                  R"("distinct_id":"01020304-0506-0708-090a-0b0c0d0e0f10",)"
                  R"("$insert_id":"00000000000000000000000000000007"}}])");
  EXPECT_EQ(RefusalOf(*Mixpanel(), Event("$create_alias", {})),
            "an event that would join ids or change a profile");
  const auto without_token = Make(VendorType::kMixpanel, "42:user:pass");
  EXPECT_EQ(RefusalOf(*without_token, Profile({})), "a profile, and no token in the credential");
}

TEST(MixpanelDestination, TakesTheOthersOfA400ThatNamesRecords) {
  const SendOutcome some = Answer(
      *Mixpanel(), 400,
      R"({"code":400,"num_records_imported":1,"failed_records":[)"
      R"({"index":2,"insert_id":"x","field":"properties.time","message":"a@example.org"},)"
      R"({"index":2,"field":"other"},{"index":0,"field":"a@example.org"},{"index":77},"x"]})");
  EXPECT_EQ(some.verdict, SendVerdict::kTaken);
  ASSERT_EQ(Places(some), (std::vector<size_t>{10, 12}));
  EXPECT_EQ(some.refused[0].reason, "the vendor refuses it");
  EXPECT_EQ(some.refused[1].reason, "the vendor refuses its properties.time");
  EXPECT_EQ(Answer(*Mixpanel(), 400, "{}").verdict, SendVerdict::kTooLarge);
  EXPECT_EQ(Answer(*Mixpanel(), 400, "no json").verdict, SendVerdict::kTooLarge);
}

TEST(MixpanelDestination, AsksABulkheadAndNotMixpanelToDelete) {
  const std::vector<SubjectId> ids(2000, *SubjectId::FromHex(kPerson));
  EXPECT_TRUE(Mixpanel()->EncodeDeletion(ids).empty());
  EXPECT_TRUE(Make(VendorType::kMixpanel, "1:u:s:T", "https://api-eu.mixpanel.com/")
                  ->EncodeDeletion(ids)
                  .empty());
  const auto requests =
      Make(VendorType::kMixpanel, "1:u:s:T", "https://b.example.org/")->EncodeDeletion(ids);
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[1].url, "https://b.example.org/api/app/data-deletions/v3.0/?token=T");
  EXPECT_EQ(
      requests[1].body,
      R"({"compliance_type":"GDPR","distinct_ids":["01020304-0506-0708-090a-0b0c0d0e0f10"]})");
  EXPECT_TRUE(requests[1].messages.empty());
}

TEST(AmplitudeDestination, WritesEventsAndProfiles) {
  const VendorRequest events = OnlyRequest(*Amplitude(), Event("Signed Up", SomeFields()));
  EXPECT_EQ(events.url, "https://api2.amplitude.com/batch");
  EXPECT_EQ(events.body, R"({"api_key":"KEY","events":[{"event_type":"Signed Up",)"
                         R"("user_id":"0102030405060708090a0b0c0d0e0f10","time":1700000000123,)"
                         R"("insert_id":"00000000000000000000000000000007","event_properties":)"
                         R"({"plan":"pro \"x\"","email":"a@example.org","tags":["a",2]}}],)"
                         R"("options":{"min_id_length":1}})");
  EXPECT_EQ(BodyOf(*Amplitude(), Profile(OneField("tier", Value(true)))),
            R"({"api_key":"KEY","events":[{"event_type":"$identify",)"
            R"("user_id":"0102030405060708090a0b0c0d0e0f10","time":1700000000123,)"
            R"("insert_id":"00000000000000000000000000000008",)"
            R"("user_properties":{"$set":{"tier":true}}}],"options":{"min_id_length":1}})");
  EXPECT_NE(BodyOf(*Amplitude(), OfNobody(Event("e", {}))).find(R"("device_id":"nobody","time")"),
            std::string::npos);
  EXPECT_EQ(RefusalOf(*Amplitude(), Event("$groupidentify", {})),
            "an event that would join ids or change a profile");
}

TEST(AmplitudeDestination, SendsAgainWithoutWhatA400Names) {
  const SendOutcome outcome =
      Answer(*Amplitude(), 400,
             R"({"code":400,"error":"Request missing required field","missing_field":null,)"
             R"("events_with_invalid_fields":{"time":[1,1,9],"a@example.org":[0]},)"
             R"("events_with_missing_fields":{},"silenced_events":[2]})");
  EXPECT_EQ(outcome.verdict, SendVerdict::kRetry);
  EXPECT_EQ(outcome.retry_after, std::chrono::seconds(0));
  ASSERT_EQ(Places(outcome), (std::vector<size_t>{10, 11, 12}));
  EXPECT_EQ(outcome.refused[0].reason, "the vendor refuses it");
  EXPECT_EQ(outcome.refused[1].reason, "the vendor refuses its time");
  EXPECT_EQ(Answer(*Amplitude(), 400, R"({"error":"Invalid API key: KEY"})").verdict,
            SendVerdict::kDenied);
  EXPECT_EQ(Answer(*Amplitude(), 400, R"({"error":"Bad"})").verdict, SendVerdict::kTooLarge);
}

TEST(AmplitudeDestination, WaitsForTheFastAndGivesUpWhatIsOverADaysQuota) {
  const SendOutcome fast = Answer(
      *Amplitude(), 429,
      R"({"throttled_users":{"u":9},"exceeded_daily_quota_users":{"v":9},"throttled_events":[0]})");
  EXPECT_EQ(fast.verdict, SendVerdict::kRetry);
  EXPECT_EQ(fast.retry_after, std::chrono::seconds(30));
  EXPECT_TRUE(fast.refused.empty());
  const SendOutcome over = Answer(
      *Amplitude(), 429,
      R"({"throttled_users":{},"exceeded_daily_quota_users":{"v":9},"throttled_events":[0]})");
  EXPECT_EQ(over.verdict, SendVerdict::kRetry);
  ASSERT_EQ(Places(over), std::vector<size_t>{10});
  EXPECT_EQ(over.refused[0].reason, "beyond what the vendor takes of one person in a day");
}

TEST(PosthogDestination, WritesEventsAndProfiles) {
  const VendorRequest events = OnlyRequest(*Posthog(), Event("Signed Up", SomeFields()));
  EXPECT_EQ(events.url, "https://us.i.posthog.com/batch/");
  EXPECT_EQ(events.body,
            R"({"api_key":"phc_KEY","historical_migration":false,"batch":[{"event":"Signed Up",)"
            R"("distinct_id":"0102030405060708090a0b0c0d0e0f10",)"
            R"("timestamp":"2023-11-14T22:13:20.123Z",)"
            R"("uuid":"00000000-0000-0000-0000-000000000007","properties":)"
            R"({"$geoip_disable":true,"plan":"pro \"x\"","email":"a@example.org",)"
            R"("tags":["a",2]}}]})");
  const std::string profile = BodyOf(*Posthog(), Profile(OneField("tier", Value(1.5))));
  EXPECT_NE(profile.find(R"("event":"$set",)"), std::string::npos);
  EXPECT_NE(profile.find(R"("properties":{"$geoip_disable":true,"$set":{"tier":1.5}}}]})"),
            std::string::npos);
  const std::string nobodys = BodyOf(*Posthog(), OfNobody(Event("e", {})));
  EXPECT_NE(nobodys.find(R"("distinct_id":"nobody")"), std::string::npos);
  EXPECT_NE(nobodys.find(R"("$process_person_profile":false)"), std::string::npos);
}

TEST(PosthogDestination, LetsNoFieldOrEventChangeAPerson) {
  const std::string body = BodyOf(*Posthog(), Event("e", OneField("$set", Value("x"))));
  EXPECT_NE(body.find(R"("properties":{"$geoip_disable":true}}]})"), std::string::npos);
  EXPECT_EQ(RefusalOf(*Posthog(), Event("$identify", {})),
            "an event that would join ids or change a profile");
}

TEST(PosthogDestination, KnowsThat200MayMeanDropped) {
  EXPECT_EQ(Answer(*Posthog(), 200, R"({"status":1})").verdict, SendVerdict::kTaken);
  EXPECT_EQ(Answer(*Posthog(), 200, R"({"status":1,"quota_limited":["recordings"]})").verdict,
            SendVerdict::kTaken);
  const SendOutcome limited = Answer(*Posthog(), 200, R"({"status":1,"quota_limited":["events"]})");
  EXPECT_EQ(limited.verdict, SendVerdict::kRetry);
  EXPECT_EQ(limited.retry_after, std::chrono::seconds(3600));
}

TEST(SegmentDestination, WritesTracksAndIdentifies) {
  const VendorRequest events = OnlyRequest(*Segment(), Event("Signed Up", SomeFields()));
  EXPECT_EQ(events.url, "https://api.segment.io/v1/batch");
  EXPECT_EQ(events.headers.at(0).second, "Basic " + Base64Encode("KEY:"));
  EXPECT_EQ(events.body,
            R"({"batch":[{"type":"track","messageId":"00000000000000000000000000000007",)"
            R"("timestamp":"2023-11-14T22:13:20.123Z",)"
            R"("userId":"0102030405060708090a0b0c0d0e0f10","event":"Signed Up",)"
            R"("properties":{"plan":"pro \"x\"","email":"a@example.org","tags":["a",2]}}]})");
  const OutboundMessage profile = Profile({{"$first_name", Value("A"), FieldForm::kIdentity},
                                           {"$last_name", Value("B"), FieldForm::kPlain}});
  EXPECT_NE(BodyOf(*Segment(), profile).find(R"("traits":{"firstName":"A","$last_name":"B"}})"),
            std::string::npos);
  EXPECT_NE(BodyOf(*Segment(), OfNobody(Event("e", {}))).find(R"("anonymousId":"nobody")"),
            std::string::npos);
  EXPECT_EQ(RefusalOf(*Segment(), Event("e", OneField("f", Value(std::string(40'000, 'x'))))),
            "larger than the 32000 bytes that are taken");
}

TEST(Ga4Destination, WritesOnePersonInARequest) {
  const OutboundMessage event = Event("$Signed Up", {{"plan type", Value("pro"), FieldForm::kPlain},
                                                     {"ga_x", Value(2.5), FieldForm::kPlain},
                                                     {"on", Value(true), FieldForm::kPlain},
                                                     {"nothing", Value(), FieldForm::kPlain}});
  const VendorRequest request = OnlyRequest(*Ga4(), event);
  EXPECT_EQ(request.url,
            "https://www.google-analytics.com/mp/collect?measurement_id=G-ABC&api_secret=sec_ret");
  EXPECT_EQ(request.body, R"({"client_id":"0102030405060708090a0b0c0d0e0f10",)"
                          R"("consent":{"ad_user_data":"DENIED","ad_personalization":"DENIED"},)"
                          R"("events":[{"name":"Signed_Up","timestamp_micros":1700000000123000,)"
                          R"("params":{"on":"true","plan_type":"pro","x_ga_x":2.5}}]})");
  EXPECT_EQ(BodyOf(*Ga4(), Profile(OneField("user_id", Value("x")))),
            R"({"client_id":"0102030405060708090a0b0c0d0e0f10",)"
            R"("consent":{"ad_user_data":"DENIED","ad_personalization":"DENIED"},)"
            R"("user_properties":{"x_user_id":{"value":"x","timestamp_micros":1700000000123000}},)"
            R"("events":[{"name":"profile_update","timestamp_micros":1700000000123000,)"
            R"("params":{}}]})");
  const std::vector<OutboundMessage> mixed = {event, OfNobody(event), event, Profile({})};
  const EncodedBatch batch = Ga4()->Encode(mixed);
  ASSERT_EQ(batch.requests.size(), 3U);
  EXPECT_EQ(batch.requests[0].messages, std::vector<size_t>{3});
  EXPECT_EQ(batch.requests[1].messages, (std::vector<size_t>{0, 2}));
  EXPECT_EQ(batch.requests[2].messages, std::vector<size_t>{1});
}

TEST(Ga4Destination, RefusesWhatWouldBeDroppedInSilence) {
  EXPECT_EQ(RefusalOf(*Ga4(), Event("登録", {})), "an event whose name has no letter");
  EXPECT_EQ(RefusalOf(*Ga4(), Event("e", OneField("12", Value(1.0)))),
            "a field whose name has no letter");
  EXPECT_EQ(RefusalOf(*Ga4(), Event("e", {{"a b", Value(1.0), FieldForm::kPlain},
                                          {"a_b", Value(1.0), FieldForm::kPlain}})),
            "two fields whose names become one");
  EXPECT_EQ(RefusalOf(*Ga4(), Event("e", SomeFields())), "a direct identifier");
  std::vector<OutboundField> many;
  for (int i = 0; i < 26; ++i) many.push_back({"f" + std::to_string(i), Value(1.0)});
  EXPECT_EQ(RefusalOf(*Ga4(), Event("e", many)), "more fields than are taken");
}

TEST(WebhookDestination, SignsAndKeepsItsIdOverAttempts) {
  const std::string url = "https://hooks.example.org/in?team=1";
  const OutboundMessage event = Event("Signed Up", SomeFields());
  ManualClock clock(1'800'000'000'500);
  const auto destination =
      MakeDestination({VendorType::kWebhook, url, kWebhookSecret, &clock}).value();
  const VendorRequest first = OnlyRequest(*destination, event);
  EXPECT_EQ(first.url, url);
  EXPECT_EQ(first.body,
            R"({"type":"events.batch","timestamp":"2023-11-14T22:13:20.123Z","data":{"messages":[)"
            R"({"id":"00000000000000000000000000000007","kind":"event",)"
            R"("person":"0102030405060708090a0b0c0d0e0f10","event":"Signed Up",)"
            R"("time":"2023-11-14T22:13:20.123Z","properties":{"plan":"pro \"x\"",)"
            R"("$email":"a@example.org","tags":["a",2]}}]}})");
  EXPECT_EQ(first.headers[1],
            (std::pair<std::string, std::string>("webhook-timestamp", "1800000000")));
  clock.Set(1'800'000'100'500);
  const VendorRequest again = OnlyRequest(*destination, event);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.headers[0], first.headers[0]);
  EXPECT_NE(again.headers[2], first.headers[2]);
  EXPECT_NE(BodyOf(*destination, OfNobody(event)).find(R"("person":null)"), std::string::npos);
  EXPECT_EQ(Answer(*destination, 410, "").verdict, SendVerdict::kDenied);
}

TEST(WebhookDestination, TellsOfDeletions) {
  const SubjectId id = *SubjectId::FromHex(kPerson);
  const auto requests = Webhook()->EncodeDeletion({&id, 1});
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_NE(requests[0].body.find(R"("type":"persons.deletion")"), std::string::npos);
  EXPECT_NE(requests[0].body.find(R"("data":{"persons":["0102030405060708090a0b0c0d0e0f10"]})"),
            std::string::npos);
  EXPECT_EQ(requests[0].headers.size(), 3U);
}

TEST(StandardWebhook, SignsWithHmacOverIdTimeAndBody) {
  InitCrypto();
  const SecretBytes key(std::string(32, 'k'));
  const auto headers = WebhookHeaders(key, "msg_1", 1'800'000'000'999, R"({"a":1})");
  EXPECT_EQ(headers[1].second, "1800000000");
  EXPECT_EQ(headers[2].second, "v1,3fnlygjP4O14zkKHYsGz6PpXy2kY0Z0XwDI1wrobuVk=");
  EXPECT_EQ(WebhookSecretText(*ParseWebhookSecret(WebhookSecretText(key))), kWebhookSecret);
  EXPECT_FALSE(ParseWebhookSecret("whsec_AAAA"));
  EXPECT_FALSE(ParseWebhookSecret(kWebhookSecret.substr(6)));
}

// Every message is in exactly one request or refused, and no request is too large.
TEST(Destinations, SplitBelowTheirLimits) {
  std::vector<OutboundMessage> messages;
  for (size_t i = 0; i < 5000; ++i) {
    OutboundMessage message = i % 5 == 0 ? Profile({}) : Event("e", {});
    message.id = IdOf(i);
    message.vendor_id.bytes[0] = static_cast<uint8_t>(i % 7);
    if (i % 3 == 0) message.fields = OneField("f", Value(std::string(i * 3, 'x')));
    messages.push_back(message);
  }
  messages[17].name.clear();  // an event without a name
  for (const auto& destination : All()) {
    const EncodedBatch batch = destination->Encode(messages);
    std::multiset<size_t> seen;
    for (const VendorRequest& request : batch.requests) {
      EXPECT_LE(request.body.size(), destination->most_bytes());
      EXPECT_LE(request.messages.size(), destination->most_messages());
      seen.insert(request.messages.begin(), request.messages.end());
    }
    for (const RefusedMessage& refused : batch.refused) seen.insert(refused.message);
    ASSERT_EQ(seen.size(), messages.size());
    EXPECT_EQ(std::set<size_t>(seen.begin(), seen.end()).size(), messages.size());
    EXPECT_EQ(batch.refused.at(0).message, 17U);
  }
}

TEST(Destinations, JudgeByStatusWhereTheBodySaysNothing) {
  for (const auto& destination : All()) {
    EXPECT_EQ(Answer(*destination, 200, "").verdict, SendVerdict::kTaken);
    EXPECT_EQ(Answer(*destination, 204, "\xff{").verdict, SendVerdict::kTaken);
    EXPECT_EQ(Answer(*destination, 401, "").verdict, SendVerdict::kDenied);
    EXPECT_EQ(Answer(*destination, 403, "").verdict, SendVerdict::kDenied);
    EXPECT_EQ(Answer(*destination, 413, "").verdict, SendVerdict::kTooLarge);
    EXPECT_EQ(Answer(*destination, 400, "[]").verdict, SendVerdict::kTooLarge);
    for (const int status : {302, 404, 408, 429, 500, 503}) {
      const SendOutcome outcome = Answer(*destination, status, "<html>", "17");
      EXPECT_EQ(outcome.verdict, SendVerdict::kRetry);
      EXPECT_EQ(outcome.retry_after, std::chrono::seconds(17));
      EXPECT_EQ(outcome.reason, "the vendor answers " + std::to_string(status));
    }
    EXPECT_EQ(Answer(*destination, 503, "", "99999999").retry_after, std::chrono::hours(24));
    const auto pause_by_date = [&](const char* header, int64_t at_ms) {
      return destination->Judge({}, {503, "", header, at_ms}).retry_after;
    };
    const int64_t date_ms = 1'792'567'680'000;
    EXPECT_EQ(pause_by_date("Wed, 21 Oct 2026 07:28:00 GMT", date_ms - 90'500),
              std::chrono::seconds(91));
    EXPECT_EQ(pause_by_date("Wed, 21 Oct 2026 07:28:00 GMT", date_ms + 5000),
              std::chrono::seconds(1));
    EXPECT_EQ(pause_by_date("Wed, 21 Oct 2099 07:28:00 GMT", date_ms), std::chrono::hours(24));
    for (const char* header : {"Wed, 21 Oct 2026 07:28:00", "Wednesday, 21-Oct-26 07:28:00 GMT",
                               "Wed, 21 Oct 2026 07:28:00 GMT ", "soon", "-1"}) {
      EXPECT_FALSE(pause_by_date(header, date_ms)) << header;
    }
    EXPECT_FALSE(pause_by_date("Wed, 21 Oct 2026 07:28:00 GMT", 0));
  }
}

TEST(Destinations, RefuseCredentialsOfAnotherFormWithoutRepeatingThem) {
  const std::vector<std::pair<VendorType, std::string>> wrong = {
      {VendorType::kMixpanel, "secret77"},
      {VendorType::kMixpanel, "1:u:"},
      {VendorType::kMixpanel, "1:u:s:T:x"},
      {VendorType::kMixpanel, "1&a=b:u:s"},
      {VendorType::kAmplitude, ""},
      {VendorType::kAmplitude, "secret\"77"},
      {VendorType::kPosthog, "secret 77"},
      {VendorType::kSegment, "secret\n77"},
      {VendorType::kGa4, "G-1"},
      {VendorType::kGa4, "G-1:secret&77"},
      {VendorType::kWebhook, "whsec_secret77"},
      {VendorType::kFiles, "secret77"}};
  for (const auto& [type, credential] : wrong) {
    const auto made = MakeDestination({type, "https://vendor.example.org/path", credential});
    ASSERT_FALSE(made) << credential;
    EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(made.error().message.find("77"), std::string::npos);
  }
}

TEST(Destinations, TakeAnAddressOfTheirOwn) {
  EXPECT_EQ(
      OnlyRequest(*Make(VendorType::kPosthog, "K", "https://p.example.org/ph/"), Event("e", {}))
          .url,
      "https://p.example.org/ph/batch/");
  for (const char* url : {"ftp://x.example.org", "https://x.example.org/?a=1", "x"}) {
    EXPECT_FALSE(MakeDestination({VendorType::kSegment, url, "KEY"}));
  }
  EXPECT_FALSE(MakeDestination({VendorType::kWebhook, "", kWebhookSecret}));
}

TEST(Destinations, SayEachNameOnceTheLastOfIt) {
  const OutboundMessage message = Event("e", {{"email", Value("1"), FieldForm::kPlain},
                                              {"$email", Value("2"), FieldForm::kIdentity}});
  EXPECT_NE(BodyOf(*Segment(), message).find(R"("properties":{"email":"2"}})"), std::string::npos);
}

}  // namespace
}  // namespace bulkhead
