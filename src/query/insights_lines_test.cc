#include "query/insights_lines.h"

#include "query/engine_fixture.h"
#include "wire/report_parser.h"

namespace bulkhead {
namespace {

class InsightsLinesTest : public EngineFixture {
 protected:
  InsightsLinesTest() : EngineFixture(1000) {
    Batch batch;
    const auto add = [&](int64_t day, int count) {
      for (int i = 0; i < count; ++i) {
        batch.events.push_back(MakeEvent(1, "open", At(day, 1) + i * 1000, {}));
      }
    };
    add(1, 10);
    add(2, 1);
    add(8, 4);
    add(9, 2);
    add(10, 6);
    Apply(std::move(batch));
  }

  std::string Ask(const std::string& rest) {
    const Result<Report> report =
        ParseReport(R"({"project_id":1,"report":"insights","from":"2025-06-08","to":"2025-06-10",)"
                    R"("metrics":[{"event":"open"}])" +
                    rest + "}");
    if (!report) {
      return report.error().message;
    }
    const Result<std::string> answer = engine_->Run(*report);
    return answer ? *answer : answer.error().message;
  }
};

TEST_F(InsightsLinesTest, RollingAndCumulative) {
  const std::string dates = R"({"dates":["2025-06-08","2025-06-09","2025-06-10"],"series":[)";
  EXPECT_EQ(Ask(R"(,"rolling":2)"),
            dates + R"({"metric":"A","segment":[],"values":[4,3,4],"overall":12}]})");
  EXPECT_EQ(Ask(R"(,"cumulative":true)"),
            dates + R"({"metric":"A","segment":[],"values":[4,6,12],"overall":12}]})");
  EXPECT_EQ(Ask(R"(,"rolling":2,"cumulative":true)"),
            "cumulative: a line is rolling or cumulative");
  EXPECT_EQ(Ask(R"(,"rolling":1)"), "rolling: a whole number from 2 to 366 expected");
  EXPECT_EQ(Ask(R"(,"rolling":2,"shared":true)"),
            "shared: plain lines alone are for readers outside");
}

TEST_F(InsightsLinesTest, StandsBesideItsPast) {
  EXPECT_EQ(Ask(R"(,"compare":{"value":1,"unit":"week"})"),
            R"({"dates":["2025-06-08","2025-06-09","2025-06-10"],"series":[)"
            R"({"metric":"A","segment":[],"values":[4,2,6],"overall":12}],)"
            R"("past":{"dates":["2025-06-01","2025-06-02","2025-06-03"],"series":[)"
            R"({"metric":"A","segment":[],"values":[10,1,0],"overall":11}]}})");
  EXPECT_EQ(Ask(R"(,"compare":{"unit":"hour"})"), "compare.unit: one of day, week, month expected");
}

TEST(EarlierRange, KeepsToTheMonth) {
  const DateRange range{"2025-03-31", "2025-05-30", "UTC"};
  const Result<DateRange> before = EarlierRange(range, {1, TimeUnit::kMonth});
  ASSERT_TRUE(before);
  EXPECT_EQ(before->from, "2025-02-28");
  EXPECT_EQ(before->to, "2025-04-30");
  EXPECT_EQ(EarlierRange(range, {12, TimeUnit::kMonth})->from, "2024-03-31");
  EXPECT_EQ(EarlierRange(range, {3, TimeUnit::kDay})->to, "2025-05-27");
}

}  // namespace
}  // namespace bulkhead
