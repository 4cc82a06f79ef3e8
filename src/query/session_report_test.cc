#include "query/engine_fixture.h"
#include "wire/report_parser.h"

namespace bulkhead {
namespace {

class SessionsTest : public EngineFixture {
 protected:
  SessionsTest() : EngineFixture(1000) {
    Batch batch;
    const auto add = [&](uint8_t who, const char* event, int64_t time_ms, const char* page) {
      batch.events.push_back(MakeEvent(who, event, time_ms, {{"page", Value(page)}}));
    };
    add(1, "open", At(8, 10), "a");
    add(1, "view", At(8, 10) + 600'000, "b");
    add(1, "tick", At(8, 10) + 2'400'000, "b");
    add(1, "view", At(8, 10) + 4'200'000, "c");
    add(2, "open", At(8, 23) + 3'500'000, "a");
    add(2, "view", At(9, 0) + 100'000, "b");  // the next day: another session
    add(0, "open", At(8, 10), "a");           // nobody has no sessions
    Apply(std::move(batch));
  }

  std::string Ask(const std::string& rest) {
    const Result<Report> report =
        ParseReport(R"({"project_id":1,"report":"sessions","from":"2025-06-08","to":"2025-06-09")" +
                    rest + "}");
    if (!report) {
      return report.error().message;
    }
    const Result<std::string> answer = engine_->Run(*report);
    return answer ? *answer : answer.error().message;
  }
};

TEST_F(SessionsTest, EndAfterAPauseAndAtMidnight) {
  EXPECT_EQ(Ask(""),
            R"({"dates":["2025-06-08","2025-06-09"],"series":[{"segment":[],"sessions":[2,1],)"
            R"("people":[2,1],"avg_s":[2100,0],"avg_events":[2.5,1],"overall":{"sessions":3,)"
            R"("people":2,"avg_s":1400,"median_s":0,"p90_s":3360,"avg_events":2}}]})");
}

TEST_F(SessionsTest, ExcludedEventsStretchNoSession) {
  EXPECT_EQ(Ask(R"(,"exclude":[{"event":"tick"}],"breakdown":["page"],"unit":"month")"),
            R"({"dates":["2025-06-01"],"series":[{"segment":["a"],"sessions":[2],"people":[2],)"
            R"("avg_s":[300],"avg_events":[1.5],"overall":{"sessions":2,"people":2,"avg_s":300,)"
            R"("median_s":300,"p90_s":540,"avg_events":1.5}},{"segment":["b"],"sessions":[1],)"
            R"("people":[1],"avg_s":[0],"avg_events":[1],"overall":{"sessions":1,"people":1,)"
            R"("avg_s":0,"median_s":0,"p90_s":0,"avg_events":1}},{"segment":["c"],"sessions":[1],)"
            R"("people":[1],"avg_s":[0],"avg_events":[1],"overall":{"sessions":1,"people":1,)"
            R"("avg_s":0,"median_s":0,"p90_s":0,"avg_events":1}}]})");
}

TEST_F(SessionsTest, FaultsAreNamed) {
  EXPECT_EQ(Ask(R"(,"session_timeout_s":5)"),
            "session_timeout_s: a whole number from 60 to 86400 expected");
  EXPECT_EQ(Ask(R"(,"exclude":[{}])"), "exclude[0].event: an event name expected");
}

}  // namespace
}  // namespace bulkhead
