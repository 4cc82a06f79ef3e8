#include "query/engine.h"

#include <gtest/gtest.h>

#include <cmath>

#include "query/engine_fixture.h"
#include "query/mixpanel_json.h"
#include "wire/report_parser.h"

namespace bulkhead {
namespace {

// Three persons.
class EngineTest : public EngineFixture {
 protected:
  EngineTest() : EngineFixture(5) {
    Batch batch;
    const auto add = [&](uint8_t who, const char* name, int64_t time_ms, ValueObject properties) {
      batch.events.push_back(MakeEvent(who, name, time_ms, std::move(properties)));
    };
    add(1, "view", At(8, 1), {{"page", Value("a")}, {"ms", Value(1500.0)}});
    add(1, "view", At(8, 2), {{"page", Value("b")}, {"ms", Value(2500.0)}});
    add(2, "view", At(8, 3), {{"page", Value("a")}, {"ms", Value(3100.0)}});
    add(2, "view", At(9, 3), {{"page", Value("c")}});
    add(3, "view", At(10, 3), {{"page", Value("d")}, {"ms", Value("fast")}});
    add(3, "view", At(10, 4), {{"page", Value("e")}});
    add(0, "view", At(10, 5), {{"page", Value("a")}});
    add(1, "buy", At(8, 4), {{"amount", Value(10.0)}});
    add(2, "buy", At(9, 4), {{"amount", Value(30.0)}});
    for (uint8_t who = 1; who <= 3; ++who) {
      ProfileUpdate update;
      update.subject = Subject(who);
      update.ignore_time = true;
      update.properties = {{"plan", Value(who == 2 ? "pro" : "free")}, {"age", Value(20.0 + who)}};
      batch.profile_updates.push_back(std::move(update));
    }
    Apply(std::move(batch));
  }

  std::string Ask(const std::string& rest) {
    const Result<Report> report =
        ParseReport(R"({"project_id":1,"from":"2025-06-08","to":"2025-06-10",)" + rest + "}");
    if (!report) {
      return report.error().message;
    }
    const Result<std::string> answer = engine_->Run(*report);
    return answer ? *answer : answer.error().message;
  }

  static DateRange June() { return {"2025-06-08", "2025-06-10", ""}; }
};

TEST_F(EngineTest, InsightsCountsAndDividesMetrics) {
  EXPECT_EQ(Ask(R"("report":"insights","metrics":[{"event":"view"},
                {"event":"view","math":"unique"}])"),
            R"({"dates":["2025-06-08","2025-06-09","2025-06-10"],"series":[)"
            R"({"metric":"A","segment":[],"values":[3,1,3],"overall":7},)"
            R"({"metric":"B","segment":[],"values":[2,1,1],"overall":3}]})");
  EXPECT_EQ(Ask(R"("report":"insights","metrics":[{"event":"buy"},{"event":"view"}],
                "formula":"A / B * 100")"),
            R"({"dates":["2025-06-08","2025-06-09","2025-06-10"],"series":[)"
            R"({"metric":"A / B * 100","segment":[],"values":[33.33333333333333,100,0],)"
            R"("overall":28.57142857142857}]})");
}

TEST_F(EngineTest, SegmentsBeyondTheLimitCountTogether) {
  EXPECT_EQ(Ask(R"("report":"insights","metrics":[{"event":"view","math":"unique"}],
                "breakdown":["page"],"limit":1)"),
            R"({"dates":["2025-06-08","2025-06-09","2025-06-10"],"series":[)"
            R"({"metric":"A","segment":["a"],"values":[2,0,0],"overall":2},)"
            R"({"metric":"A","segment":["$other"],"other":true,"values":[1,1,1],"overall":3}]})");
}

TEST_F(EngineTest, BreakdownByProfile) {
  EXPECT_EQ(Ask(R"("report":"insights","metrics":[{"event":"buy","math":"sum",
                "property":"amount"}],"breakdown":["user[\"plan\"]"])"),
            R"({"dates":["2025-06-08","2025-06-09","2025-06-10"],"series":[)"
            R"({"metric":"A","segment":["pro"],"values":[0,30,0],"overall":30},)"
            R"({"metric":"A","segment":["free"],"values":[10,0,0],"overall":10}]})");
}

TEST_F(EngineTest, FunnelTimesAndConversion) {
  EXPECT_EQ(
      Ask(R"("report":"funnel","steps":[{"event":"view"},{"event":"buy"}],
          "window":{"value":2,"unit":"day"})"),
      R"({"steps":[{"event":"view","count":3,"conversion":1,"step_conversion":1,)"
      R"("time_from_previous":{"avg_s":null,"median_s":null,"p90_s":null}},)"
      R"({"event":"buy","count":2,"conversion":0.6666666666666666,)"
      R"("step_conversion":0.6666666666666666,)"
      R"("time_from_previous":{"avg_s":50400,"median_s":50400,"p90_s":82080}}],"series":[]})");
  EXPECT_EQ(Ask(R"("report":"funnel","order":"strict","steps":[{"event":"a"},{"event":"b"}],
                "exclude":[{"event":"c"}])"),
            "exclude: with loose order only");
}

TEST_F(EngineTest, RetentionLeavesIncompleteBucketsOutOfTheAverage) {
  EXPECT_EQ(Ask(R"("report":"retention","born":{"event":"view"},"return":{"event":"buy"},
                "buckets":1)"),
            R"({"cohorts":[{"date":"2025-06-08","size":2,"counts":[1,1],"complete_buckets":1},)"
            R"({"date":"2025-06-09","size":0,"counts":[0,0],"complete_buckets":0},)"
            R"({"date":"2025-06-10","size":1,"counts":[0,0],"complete_buckets":0}],)"
            R"("average":[0.5,null]})");
}

TEST_F(EngineTest, PeopleAreFilteredSortedAndPaged) {
  const std::string answer = Ask(
      R"("report":"people","where":"user[\"age\"] > 21","sort":"age","descending":true,
      "page_size":1,"output_properties":["age"])");
  EXPECT_EQ(answer, R"({"total":2,"page":0,"page_size":1,"people":[{"distinct_id":")" +
                        Subject(3).ToHex() + R"(","properties":{"age":23}}]})");
}

TEST_F(EngineTest, SegmentationByProperty) {
  SegmentationRequest request;
  request.event = "view";
  request.range = June();
  request.on = Parse("page");
  request.limit = 1;
  EXPECT_EQ(SeriesTableJson(*engine_->Segmentation(request)),
            R"({"data":{"series":["2025-06-08","2025-06-09","2025-06-10"],"values":)"
            R"({"a":{"2025-06-08":2,"2025-06-09":0,"2025-06-10":1}}},"legend_size":1})");
  request.on = Parse(R"(properties["page"] == "a")");
  request.limit = 60;
  EXPECT_EQ(engine_->Segmentation(request)->rows[0].first, "false");
  request.on = Parse(R"(properties["page"] == properties["ms"])");
  EXPECT_FALSE(engine_->Segmentation(request));
}

TEST_F(EngineTest, SegmentationOfNumbers) {
  SegmentationRequest request;
  request.event = "view";
  request.range = June();
  request.on = Parse("ms");
  request.kind = SegmentationRequest::Kind::kSum;
  EXPECT_EQ(SeriesResultsJson(*engine_->Segmentation(request), "now"),
            R"({"status":"ok","computed_at":"now","results":)"
            R"({"2025-06-08":7100,"2025-06-09":0,"2025-06-10":0}})");
  request.kind = SegmentationRequest::Kind::kNumeric;
  const Result<SeriesTable> numeric = engine_->Segmentation(request);
  ASSERT_TRUE(numeric);
  ASSERT_EQ(numeric->rows.size(), 3U);
  EXPECT_EQ(numeric->rows[0].first, "1,400 - 1,600");
  EXPECT_EQ(numeric->rows[2].first, "3,000 - 3,200");
}

TEST_F(EngineTest, NamesTopsAndValues) {
  EXPECT_EQ(NamesJson(*engine_->EventNames({})), R"(["view","buy"])");
  NamesRequest request;
  EXPECT_EQ(TopEventsJson(*engine_->TopEvents(request), CountType::kGeneral),
            R"({"events":[{"amount":3,"event":"view","percent_change":2}],"type":"general"})");
  request.event = "view";
  EXPECT_EQ(PropertyCountsJson(*engine_->TopProperties(request)),
            R"({"page":{"count":7},"ms":{"count":4}})");
  request.property = "page";
  request.limit = 2;
  const auto values = engine_->PropertyValues(request);
  ASSERT_EQ(values->size(), 2U);
  EXPECT_EQ((*values)[0], "a");
}

TEST_F(EngineTest, EventsBackFromNow) {
  EventsRequest request;
  request.events = {"view", "buy", "nothing"};
  request.interval = 2;
  const Result<SeriesTable> table = engine_->Events(request);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->dates, (std::vector<std::string>{"2025-06-09", "2025-06-10"}));
  EXPECT_EQ(table->rows[0].second, (std::vector<double>{1, 3}));
  EXPECT_EQ(table->rows[2].second, (std::vector<double>{0, 0}));
  request.unit = TimeUnit::kHour;
  EXPECT_EQ(engine_->Events(request)->dates,
            (std::vector<std::string>{"2025-06-10 11:00:00", "2025-06-10 12:00:00"}));
}

TEST_F(EngineTest, CohortTables) {
  CohortRetentionRequest request;
  request.report.range = June();
  request.report.born.event = "view";
  request.report.returning.event = "buy";
  request.report.buckets = 1;
  EXPECT_EQ(CohortTableJson(*engine_->CohortRetention(request)),
            R"({"2025-06-08":{"counts":[1,1],"first":2},"2025-06-09":{"counts":[0,0],"first":0},)"
            R"("2025-06-10":{"counts":[0],"first":1}})");
  request.on = Parse("page");
  EXPECT_EQ(CohortTableJson(*engine_->CohortRetention(request)),
            R"({"2025-06-08":{"a":{"counts":[1,1],"first":2}},)"
            R"("2025-06-10":{"d":{"counts":[0],"first":1}}})");
}

TEST_F(EngineTest, ActivityIsInTimeOrder) {
  const auto events = engine_->Activity({{Subject(2), Subject(1)}, June(), 0});
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 6U);
  EXPECT_EQ((*events)[0].time_ms, At(8, 1));
  EXPECT_EQ((*events)[5].event, "buy");
  EXPECT_EQ((*events)[5].person, Subject(2));
}

TEST_F(EngineTest, ExportWritesLines) {
  ExportRequest request;
  request.from = "2025-06-08";
  request.to = "2025-06-09";
  request.events = {"buy", "never"};
  std::string text;
  ASSERT_TRUE(engine_->ExportEvents(request, [&](std::string_view chunk) {
    text += chunk;
    return true;
  }));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_NE(text.find(R"({"event":"buy","properties":{"time":1749355200,"distinct_id":")" +
                      Subject(1).ToHex() + R"(","amount":10}})"),
            std::string::npos)
      << text;
  request.limit = 1;
  request.time_in_ms = true;
  text.clear();
  ASSERT_TRUE(engine_->ExportEvents(request, [&](std::string_view chunk) {
    text += chunk;
    return true;
  }));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_NE(text.find("000,\"distinct_id\""), std::string::npos);
}

class RollingWindows : public EngineFixture {
 protected:
  RollingWindows() : EngineFixture(1000) {}
};

TEST_F(RollingWindows, ADayBeforeASkippedMidnightIsWhole) {
  Batch batch;
  // Local midnight of the 6th in Santiago, whose 7th begins at 01:00.
  batch.events.push_back(MakeEvent(1, "a", *ParseDateTimeMs("2025-09-06T04:00:00"), {}));
  Apply(std::move(batch));
  const Result<Report> report =
      ParseReport(R"({"project_id":1,"report":"insights","from":"2025-09-06","to":"2025-09-07",)"
                  R"("timezone":"America/Santiago","metrics":[{"event":"a","math":"dau"}]})");
  ASSERT_TRUE(report);
  const Result<std::string> answer = engine_->Run(*report);
  ASSERT_TRUE(answer);
  EXPECT_NE(answer->find(R"("values":[1,0])"), std::string::npos) << *answer;
}

}  // namespace
}  // namespace bulkhead
