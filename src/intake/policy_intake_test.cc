// The policy at the door: consent, allow-list mode, versions on events, live trials.
#include <gtest/gtest.h>

#include "intake/intake_fixture.h"
#include "sieve/policy_holder.h"
#include "sieve/policy_trial.h"

namespace bulkhead {
namespace {

class PolicyIntakeTest : public IntakeTest {
 protected:
  // Reopens the door under this policy.
  void Rule(const std::string& project_lines, const std::string& candidate = "") {
    policy_dir_ = dir_ + "_policy";
    std::filesystem::remove_all(policy_dir_);
    FileSystem& fs = RealFileSystem();
    ASSERT_TRUE(fs.CreateDirs(policy_dir_));
    ASSERT_TRUE(fs.WriteFileAtomically(policy_dir_ + "/policy.toml",
                                       "schema = 1\n[project.1]\n" + project_lines));
    if (!candidate.empty()) {
      ASSERT_TRUE(fs.WriteFileAtomically(policy_dir_ + "/candidate.toml", candidate));
    }
    PolicyHolderOptions options;
    options.fs = &fs;
    options.dir = policy_dir_;
    options.record = [](const PolicyChange&) -> Result<uint32_t> { return 7U; };
    options.sieve = sieve_.get();
    options.trial_every = 1;
    auto holder = PolicyHolder::Open(std::move(options));
    ASSERT_TRUE(holder) << holder.error().message;
    intake_.reset();
    holder_ = *std::move(holder);
    IntakeOptions parts;
    parts.log = log_.get();
    parts.sieve = sieve_.get();
    parts.counters = &counters_;
    parts.keys = &keys_;
    parts.clock = &clock_;
    parts.projects = &projects_;
    parts.logins = &logins_;
    parts.policy = holder_.get();
    intake_ = Intake::Create(parts).value();
  }
  ~PolicyIntakeTest() override {
    intake_.reset();
    if (!policy_dir_.empty()) std::filesystem::remove_all(policy_dir_);
  }

  IngestResponse Track(std::string_view body, bool dnt = false, bool gpc = false,
                       IngestRequest::Endpoint endpoint = IngestRequest::kTrack) {
    IngestRequest request;
    request.endpoint = endpoint;
    request.method = "POST";
    request.content_type = "application/json";
    request.body = body;
    request.client_ip = "203.0.113.77";
    request.do_not_track = dnt;
    request.global_privacy_control = gpc;
    return Send(request);
  }
  std::vector<Event> Events() {
    std::vector<Event> events;
    for (Batch& batch : Logged()) {
      for (Event& event : batch.events) events.push_back(std::move(event));
    }
    return events;
  }

  std::string policy_dir_;
  std::unique_ptr<PolicyHolder> holder_;
};

constexpr std::string_view kEvent =
    R"([{"event":"signup","properties":{"token":"TOKENA","distinct_id":"jane","$device_id":"d1",
        "$user_id":"jane","plan":"pro","visitor_id":"v-1","list":["x"],"mp_lib":"web"}}])";

TEST_F(PolicyIntakeTest, WithoutAFileNothingIsStamped) {
  ASSERT_EQ(Track(R"([{"event":"e","properties":{"token":"TOKENA","$policy_version":3}}])").body,
            "1");
  ASSERT_EQ(Events().size(), 1u);
  EXPECT_EQ(Find(Events()[0].properties, "$policy_version"), nullptr);
  EXPECT_EQ(Logged()[0].policy_version, 0u);
}

TEST_F(PolicyIntakeTest, TheVersionStandsOnTheBatchAndOnEachEvent) {
  Rule("rule = [{ property = \"plan\", action = \"drop\" }]");
  ASSERT_EQ(Track(kEvent).body, "1");
  ASSERT_EQ(Track(R"([{"event":"e","properties":{"token":"TOKENA","$policy_version":3}}])").body,
            "1");
  const std::vector<Event> events = Events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(Find(events[0].properties, "plan"), nullptr);
  for (const Event& event : events) {
    ASSERT_NE(Find(event.properties, "$policy_version"), nullptr);
    EXPECT_EQ(Find(event.properties, "$policy_version")->number(), 7);
  }
  EXPECT_EQ(Logged()[0].policy_version, 7u);
}

TEST_F(PolicyIntakeTest, SignalsAreIgnoredUnlessThePolicyHonoursThem) {
  ASSERT_EQ(Track(kEvent, true, true).body, "1");
  Rule("small_count = 20");
  ASSERT_EQ(Track(kEvent, true, true).body, "1");
  EXPECT_EQ(Events().size(), 2u);
}

TEST_F(PolicyIntakeTest, HonouringCanDropTheEvent) {
  Rule("consent = { dnt = \"drop\", gpc = \"without-person\" }");
  EXPECT_EQ(Track(kEvent, true, true).body, "1");
  EXPECT_TRUE(Events().empty());
  bool counted = false;
  for (const SieveCount& count : counters_.Snapshot()) {
    counted |= count.rule == "consent:dnt" && count.library == "web" && count.count == 1;
  }
  EXPECT_TRUE(counted);
  EXPECT_EQ(Track(kEvent).body, "1");
  EXPECT_EQ(Events().size(), 1u);
}

TEST_F(PolicyIntakeTest, HonouringCanKeepTheEventWithoutItsPerson) {
  Rule("consent = { gpc = \"without-person\" }");
  ASSERT_EQ(Track(kEvent, false, true).body, "1");
  const std::vector<Event> events = Events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(events[0].person.IsNobody());
  EXPECT_TRUE(events[0].device.IsNobody());
  EXPECT_NE(Find(events[0].properties, "plan"), nullptr);
  for (const char* name : {"$device_id", "$user_id", "visitor_id", "$distinct_id"}) {
    EXPECT_EQ(Find(events[0].properties, name), nullptr) << name;
  }
  EXPECT_TRUE(Logged()[0].sealed.empty());
}

TEST_F(PolicyIntakeTest, OptOutPropertiesAreHonouredOnEventsAndProfiles) {
  Rule("consent = { opt_out_properties = [\"$opt_out\"] }");
  ASSERT_EQ(Track(R"([{"event":"a","properties":{"token":"TOKENA","$opt_out":true}},
                      {"event":"b","properties":{"token":"TOKENA","$opt_out":false}},
                      {"event":"c","properties":{"token":"TOKENA"}}])")
                .body,
            "1");
  ASSERT_EQ(Events().size(), 2u);
  EXPECT_EQ(Events()[0].name, "b");
  const size_t before = Logged().size();
  ASSERT_EQ(Track(R"([{"$token":"TOKENA","$distinct_id":"jane","$set":{"$opt_out":1,"x":2}},
                      {"$token":"TOKENA","$distinct_id":"jane","$delete":""}])",
                  false, false, IngestRequest::kEngage)
                .body,
            "1");
  ASSERT_EQ(Logged().size(), before + 1);
  const Batch batch = Logged().back();
  ASSERT_EQ(batch.profile_updates.size(), 1u);
  EXPECT_EQ(batch.profile_updates[0].op, ProfileOperator::kDelete);
}

TEST_F(PolicyIntakeTest, UnknownPropertiesAreReportedByEventAndName) {
  Rule("mode = \"allow-list\"\nallow = [\"plan\"]");
  ASSERT_EQ(Track(kEvent).body, "1");
  const std::vector<Event> events = Events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_NE(Find(events[0].properties, "plan"), nullptr);
  EXPECT_EQ(Find(events[0].properties, "visitor_id"), nullptr);
  EXPECT_NE(Find(events[0].properties, "$device_id"), nullptr);  // a pseudonym of intake's own
  const auto unknown = counters_.UnknownSnapshot();
  ASSERT_EQ(unknown.size(), 2u);
  EXPECT_EQ(unknown[0].event, "signup");
  EXPECT_EQ(unknown[0].property, "list");
  EXPECT_EQ(unknown[1].property, "visitor_id");
}

TEST_F(PolicyIntakeTest, ACandidateIsComparedOnLiveTraffic) {
  Rule("rule = [{ property = \"plan\", action = \"drop\" }]", "schema = 1");
  ASSERT_EQ(Track(kEvent).body, "1");
  ASSERT_NE(holder_->Trial(), nullptr);
  const TrialResult result = holder_->Trial()->result();
  EXPECT_EQ(result.seen, 1u);
  ASSERT_EQ(result.differences.size(), 1u);
  EXPECT_EQ(result.differences[0].path, "plan");
  EXPECT_EQ(result.differences[0].before, Action::kDrop);
  EXPECT_EQ(result.differences[0].after, Action::kKeep);
}

}  // namespace
}  // namespace bulkhead
