#include <gtest/gtest.h>

#include "model/flow_report.h"
#include "query/engine_fixture.h"
#include "query/path_counts.h"
#include "wire/report_parser.h"

namespace bulkhead {
namespace {

class FlowTest : public EngineFixture {
 protected:
  FlowTest() : EngineFixture(1000) {
    Batch batch;
    const auto does = [&](uint8_t who, std::initializer_list<const char*> events, int64_t at_ms,
                          const char* page) {
      for (const char* event : events) {
        batch.events.push_back(MakeEvent(who, event, at_ms, {{"page", Value(page)}}));
        at_ms += 60'000;
      }
    };
    does(1, {"open", "search", "view", "buy"}, At(8, 1), "a");
    does(2, {"open", "search", "view", "leave"}, At(8, 2), "b");
    does(3, {"ad", "open", "view"}, At(9, 3), "a");
    does(3, {"open", "leave"}, At(10, 3), "a");
    does(0, {"open", "view"}, At(8, 1), "a");  // of nobody: in no flow
    Apply(std::move(batch));
  }

  std::string Ask(const std::string& rest) {
    const Result<Report> report = ParseReport(
        R"({"project_id":1,"report":"flow","from":"2025-06-08","to":"2025-06-10",)" + rest + "}");
    if (!report) {
      return report.error().message;
    }
    const Result<std::string> answer = engine_->Run(*report);
    return answer ? *answer : answer.error().message;
  }
};

TEST_F(FlowTest, ShowsWhatCameBeforeAndAfter) {
  EXPECT_EQ(
      Ask(R"("anchors":[{"event":"open","before":1,"after":2}],"rows":1,"paths":1)"),
      R"({"anchors":[{"event":"open","count":3,"conversion":1}],"columns":[)"
      R"({"kind":"before","anchor":1,"rows":[{"event":"ad","count":1}],"dropped":0},)"
      R"({"kind":"anchor","anchor":1,"rows":[{"event":"open","count":3}],"dropped":0},)"
      R"({"kind":"after","anchor":1,"rows":[{"event":"search","count":2},)"
      R"({"event":"$other","other":true,"count":1}],"dropped":0},)"
      R"({"kind":"after","anchor":1,"rows":[{"event":"view","count":2},)"
      R"({"event":"$other","other":true,"count":1}],"dropped":0}],)"
      R"("links":[{"from":[0,0],"to":[1,0],"count":1},{"from":[1,0],"to":[2,0],"count":2},)"
      R"({"from":[1,0],"to":[2,1],"count":1},{"from":[2,0],"to":[3,0],"count":2},)"
      R"({"from":[2,1],"to":[3,1],"count":1}],)"
      R"("paths":[{"steps":[{"event":"open"},{"event":"search"},{"event":"view"}],"count":2}]})");
}

TEST_F(FlowTest, CountsTotalsAndSessions) {
  EXPECT_NE(Ask(R"("anchors":[{"event":"open"}],"count":"totals")").find(R"("count":4,)"),
            std::string::npos);
  // A session ends at midnight: nobody leaves after an advertisement of the day before.
  const std::string sessions =
      Ask(R"("anchors":[{"event":"ad","after":0},{"event":"leave","after":0}],"count":"sessions")");
  EXPECT_NE(sessions.find(R"({"event":"leave","count":0,"conversion":0})"), std::string::npos)
      << sessions;
  const std::string days =
      Ask(R"("anchors":[{"event":"ad","after":0},{"event":"leave","after":0}])");
  EXPECT_NE(days.find(R"({"event":"leave","count":1,"conversion":1})"), std::string::npos) << days;
}

TEST_F(FlowTest, DropOffStandsWhereTheFlowWouldHaveGoneOn) {
  const std::string answer =
      Ask(R"("anchors":[{"event":"search","after":1},{"event":"buy","after":0}])");
  EXPECT_NE(answer.find(R"({"kind":"anchor","anchor":2,"rows":[{"event":"buy","count":1}],)"
                        R"("dropped":1})"),
            std::string::npos)
      << answer;
}

TEST_F(FlowTest, ExcludesExpandsAndHolds) {
  const std::string answer =
      Ask(R"("anchors":[{"event":"open","after":1}],"exclude":[{"event":"search"}],)"
          R"("expand":[{"event":"view","property":"page"}],"hold":["page"])");
  EXPECT_NE(answer.find(R"({"event":"view","value":"a","count":2},)"
                        R"({"event":"view","value":"b","count":1})"),
            std::string::npos)
      << answer;
}

TEST_F(FlowTest, AnEmptyRangeHasNoPaths) {
  EXPECT_EQ(Ask(R"("anchors":[{"event":"nothing","after":0}])"),
            R"({"anchors":[{"event":"nothing","count":0,"conversion":0}],"columns":[)"
            R"({"kind":"anchor","anchor":1,"rows":[],"dropped":0}],"links":[],"paths":[]})");
}

TEST_F(FlowTest, FaultsAreNamed) {
  EXPECT_EQ(Ask(R"("anchors":[])"), "anchors: at least one expected");
  EXPECT_EQ(Ask(R"("anchors":[{"event":""}])"), "anchors[0].event: an event name expected");
  EXPECT_EQ(Ask(R"("anchors":[{"event":"a","after":21}])"),
            "anchors[0].after: a whole number from 0 to 20 expected");
  EXPECT_EQ(Ask(R"("anchors":[{"event":"a","before":20,"after":20}])"),
            "anchors: at most 40 anchors and steps together");
  EXPECT_EQ(Ask(R"("anchors":[{"event":"a"}],"window":{"value":1,"unit":"session"})"),
            R"(window.unit: a span of time expected; "count":"sessions" is one session)");
  EXPECT_EQ(Ask(R"("anchors":[{"event":"a"}],"expand":[{"event":"a","property":"user[\"x\"]"}])"),
            "expand[0].property: a property of the event expected");
  EXPECT_EQ(Ask(R"("anchors":[{"event":"a"}],"shared":true)"),
            "shared: flows are not for readers outside");
}

TEST(PathCounts, CountsEachSequenceAndStopsAtItsBound) {
  PathCounts counts(2, 1 << 20);
  for (uint32_t round = 0; round < 3; ++round) {
    for (uint32_t i = 0; i < 1000; ++i) {
      const uint32_t path[] = {i, i % 7};
      counts.Add(path, i);
    }
  }
  ASSERT_EQ(counts.size(), 1000U);
  for (size_t place = 0; place < counts.size(); ++place) {
    EXPECT_EQ(counts.Count(place), uint64_t{3} * counts.Path(place)[0]);
    EXPECT_EQ(counts.Path(place)[1], counts.Path(place)[0] % 7);
  }
  EXPECT_FALSE(counts.full());
  PathCounts few(2, 400);
  for (uint32_t i = 0; i < 1000; ++i) {
    const uint32_t path[] = {i, 0};
    few.Add(path, 1);
  }
  EXPECT_TRUE(few.full());
  EXPECT_GT(few.size(), 0U);
  EXPECT_LE(few.size() * (2 * 4 + 8 + 16), 400U);
}

}  // namespace
}  // namespace bulkhead
