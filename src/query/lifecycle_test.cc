#include "query/engine_fixture.h"
#include "wire/report_parser.h"

namespace bulkhead {
namespace {

class LifecycleTest : public EngineFixture {
 protected:
  LifecycleTest() : EngineFixture(1000) {
    Batch batch;
    const auto active = [&](uint8_t who, std::initializer_list<int64_t> days) {
      for (const int64_t day : days) batch.events.push_back(MakeEvent(who, "open", At(day, 5), {}));
    };
    active(1, {1, 7, 8, 9});  // there before the range
    active(2, {8, 10});       // away for a day
    active(3, {9});
    active(0, {8, 9, 10});  // nobody
    Apply(std::move(batch));
  }

  std::string Ask(const std::string& from, const std::string& rest) {
    const Result<Report> report = ParseReport(R"({"project_id":1,"report":"lifecycle","from":")" +
                                              from + R"(","to":"2025-06-10")" + rest + "}");
    if (!report) {
      return report.error().message;
    }
    const Result<std::string> answer = engine_->Run(*report);
    return answer ? *answer : answer.error().message;
  }
};

TEST_F(LifecycleTest, TellsNewReturningResurrectingAndDormant) {
  EXPECT_EQ(
      Ask("2025-06-08", R"(,"event":"open","unit":"day")"),
      R"({"buckets":[{"date":"2025-06-08","new":1,"returning":1,"resurrecting":0,"dormant":0,)"
      R"("complete":true},{"date":"2025-06-09","new":1,"returning":1,"resurrecting":0,"dormant":1,)"
      R"("complete":true},{"date":"2025-06-10","new":0,"returning":0,"resurrecting":1,"dormant":2,)"
      R"("complete":false}]})");
}

TEST_F(LifecycleTest, UnitsAreWhole) {
  // The week of Monday the 9th; the Sunday before belongs to the week before.
  EXPECT_EQ(
      Ask("2025-06-10", R"(,"unit":"week")"),
      R"({"buckets":[{"date":"2025-06-09","new":1,"returning":2,"resurrecting":0,"dormant":0,)"
      R"("complete":false}]})");
  EXPECT_EQ(Ask("2025-06-10", R"(,"unit":"hour")"), "unit: one of day, week, month expected");
  EXPECT_EQ(Ask("2025-06-10", R"(,"shared":true)"),
            "shared: this report is not for readers outside");
}

}  // namespace
}  // namespace bulkhead
