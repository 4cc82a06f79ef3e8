// What Mixpanel's query paths count, where values of several types read the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "query/engine_fixture.h"
#include "query/mixpanel_json.h"
#include "query/on_property.h"

namespace bulkhead {
namespace {

class MixpanelFacesTest : public EngineFixture {
 protected:
  MixpanelFacesTest() : EngineFixture(4) {}

  void Add(uint8_t who, const char* name, int64_t time_ms, ValueObject properties) {
    Batch batch;
    batch.events.push_back(MakeEvent(who, name, time_ms, std::move(properties)));
    Apply(std::move(batch));
  }
  // The same value in two types and two kinds of nothing, twice by person 1.
  void AddMixed() {
    Add(1, "view", At(8, 1), {{"v", Value("1")}});
    Add(1, "view", At(8, 2), {{"v", Value(1.0)}});
    Add(2, "view", At(8, 3), {{"v", Value(1.0)}});
    Add(1, "view", At(8, 4), {{"v", Value("undefined")}});
    Add(1, "view", At(8, 5), {{"v", Value()}});
    Add(1, "view", At(8, 6), {});
    Add(3, "view", At(8, 7), {{"v", Value(ValueList{Value(1.0), Value("1")})}});
  }
  [[nodiscard]] SegmentationRequest Question(const char* on) const {
    SegmentationRequest request;
    request.event = "view";
    request.range = {"2025-06-08", "2025-06-08", ""};
    request.on = Parse(on);
    return request;
  }
  [[nodiscard]] std::map<std::string, double> Rows(const SegmentationRequest& request) const {
    std::map<std::string, double> rows;
    const Result<SeriesTable> table = engine_->Segmentation(request);
    EXPECT_TRUE(table) << table.error().message;
    for (const auto& [name, values] : table->rows) {
      EXPECT_TRUE(rows.emplace(name, values[0]).second) << "two rows of one name: " << name;
    }
    return rows;
  }

  using Rows1 = std::map<std::string, double>;
};

TEST_F(MixpanelFacesTest, WhatReadsTheSameIsCountedTogether) {
  AddMixed();
  SegmentationRequest request = Question("v");
  EXPECT_EQ(Rows(request), (Rows1{{"1", 4}, {"undefined", 3}}));
  request.type = CountType::kUnique;
  EXPECT_EQ(Rows(request), (Rows1{{"1", 3}, {"undefined", 1}}));
  request.type = CountType::kAverage;
  EXPECT_EQ(Rows(request), (Rows1{{"1", 4.0 / 3}, {"undefined", 3}}));
}

TEST_F(MixpanelFacesTest, AddictionAndRetentionHaveOneRowPerText) {
  AddMixed();
  AddictionRequest addiction;
  addiction.range = {"2025-06-08", "2025-06-08", ""};
  addiction.selector.event = "view";
  addiction.on = Parse("v");
  const Result<AddictionResult> active = engine_->Addiction(addiction);
  ASSERT_TRUE(active);
  ASSERT_EQ(active->rows.size(), 2U);
  const AddictionRow& ones = active->rows[active->rows[0].segment == "1" ? 0 : 1];
  EXPECT_EQ(ones.counts[0], 3U);  // persons 1, 2 and 3
  EXPECT_EQ(ones.counts[1], 1U);  // person 1 in two hours
  CohortRetentionRequest retention;
  retention.report.range = addiction.range;
  retention.report.born.event = "view";
  retention.report.birth = RetentionBirth::kRecurring;
  retention.report.buckets = 0;
  retention.on = Parse("v");
  const Result<CohortTable> cohorts = engine_->CohortRetention(retention);
  ASSERT_TRUE(cohorts);
  std::map<std::string, uint64_t> firsts;
  for (const CohortTable::Row& row : cohorts->rows) {
    EXPECT_TRUE(firsts.emplace(row.segment, row.first).second) << row.segment;
  }
  EXPECT_EQ(firsts, (std::map<std::string, uint64_t>{{"1", 2}, {"[1,\"1\"]", 1}}));
}

TEST_F(MixpanelFacesTest, FunnelsHaveOneKeyPerText) {
  AddMixed();
  Add(4, "view", At(8, 1), {{"v", Value("$overall")}});
  FunnelReport report;
  report.range = {"2025-06-08", "2025-06-08", ""};
  report.steps = {{"view", nullptr}, {"view", nullptr}};
  report.unit = TimeUnit::kDay;
  report.breakdown = {FunnelBreakdown{*OnText(*Parse("v"), ListText::kWhole)}};
  const std::string json = MixpanelFunnelJson(*engine_->Funnel(report), true);
  const auto keys = [&](const std::string& key) {
    size_t count = 0;
    for (size_t at = json.find(key); at != std::string::npos; at = json.find(key, at + 1)) {
      ++count;
    }
    return count;
  };
  EXPECT_EQ(keys(R"("1":)"), 1U) << json;
  EXPECT_EQ(keys(R"("$overall":)"), 1U) << json;
  EXPECT_EQ(keys(R"("\"$overall\"":)"), 1U) << json;
}

TEST_F(MixpanelFacesTest, ValuesAreThoseAskedForHoweverRare) {
  AddMixed();
  Add(2, "view", At(8, 9), {{"v", Value("rare")}});
  Add(2, "view", At(8, 9), {{"v", Value(ValueList{Value("rare"), Value("other")})}});
  EventPropertyRequest request;
  request.event = "view";
  request.property = "v";
  request.range = {"2025-06-08", "2025-06-08", ""};
  request.values = {"rare", "undefined", "nobody has it"};
  const Result<SeriesTable> table = engine_->EventPropertySeries(request);
  ASSERT_TRUE(table);
  ASSERT_EQ(table->rows.size(), 2U);
  EXPECT_EQ(table->rows[0].first, "undefined");
  EXPECT_EQ(table->rows[0].second[0], 3);
  EXPECT_EQ(table->rows[1].first, "rare");
  EXPECT_EQ(table->rows[1].second[0], 2);
  NamesRequest names;
  names.event = "view";
  names.property = "v";
  EXPECT_EQ(*engine_->PropertyValues(names), (std::vector<std::string>{"1", "rare", "other"}));
}

TEST_F(MixpanelFacesTest, AnEventNamedTwiceIsOneRow) {
  AddMixed();
  EventsRequest request;
  request.events = {"view", "nothing", "view"};
  request.range = {"2025-06-08", "2025-06-08", ""};
  const Result<SeriesTable> table = engine_->Events(request);
  ASSERT_TRUE(table);
  ASSERT_EQ(table->rows.size(), 2U);
  EXPECT_EQ(table->rows[0].second[0], 7);
  EXPECT_EQ(table->rows[1].second[0], 0);
}

TEST_F(MixpanelFacesTest, NumbersOverSeveralPropertiesAreTakenRowByRow) {
  Add(1, "view", At(8, 1), {{"price", Value(2.0)}, {"count", Value(3.0)}});
  Add(1, "view", At(8, 2), {{"price", Value(5.0)}, {"count", Value(2.0)}});
  Add(2, "view", At(8, 3), {{"price", Value(5.0)}, {"count", Value(1.0)}});
  Add(0, "view", At(8, 3), {{"price", Value(1.0)}, {"count", Value(1.0)}});
  Add(2, "view", At(8, 4), {{"price", Value(5.0)}});
  Add(2, "view", At(8, 5), {{"price", Value("5")}, {"count", Value(2.0)}});
  SegmentationRequest request = Question(R"(properties["price"] * properties["count"])");
  EXPECT_FALSE(engine_->Segmentation(request));  // rows by value need one property
  request.kind = SegmentationRequest::Kind::kSum;
  EXPECT_EQ(Rows(request), (Rows1{{"view", 22}}));
  request.kind = SegmentationRequest::Kind::kAverage;
  EXPECT_EQ(Rows(request), (Rows1{{"view", 5.5}}));
  request.kind = SegmentationRequest::Kind::kNumeric;
  EXPECT_EQ(Rows(request), (Rows1{{"1 - 2", 1}, {"5 - 6", 1}, {"6 - 7", 1}, {"10 - 11", 1}}));
  request.on = Parse(R"(properties["price"] * properties["count"] / 1000)");
  request.type = CountType::kUnique;
  EXPECT_EQ(Rows(request)["0.01 - 0.011"], 1);
  request.on = Parse(R"((event["$time"] - datetime("2025-06-08")) / 3600)");
  request.kind = SegmentationRequest::Kind::kSum;
  EXPECT_EQ(Rows(request), (Rows1{{"view", 1 + 2 + 3 + 3 + 4 + 5}}));
  request.on = Parse(R"(event["$name"])");
  EXPECT_EQ(Rows(request), (Rows1{{"view", 0}}));
  request.kind = SegmentationRequest::Kind::kNumeric;
  EXPECT_TRUE(Rows(request).empty());
}

TEST_F(MixpanelFacesTest, BucketsThatHaveNotBegunAreLeftOut) {
  Add(1, "view", At(8, 13), {});
  Add(1, "view", At(9, 14), {});
  Add(2, "view", At(10, 1), {});
  CohortRetentionRequest request;
  request.report.range = {"2025-06-08", "2025-06-11", ""};
  request.report.born.event = "view";
  request.report.buckets = 5;
  // The bucket of 24 to 48 hours after the 8th has begun, that of 48 to 72 too for who came at
  // midnight.
  EXPECT_EQ(CohortTableJson(*engine_->CohortRetention(request)),
            R"({"2025-06-08":{"counts":[0,1,0],"first":1},"2025-06-09":{"counts":[0,0],"first":0},)"
            R"("2025-06-10":{"counts":[0],"first":1},"2025-06-11":{"counts":[],"first":0}})");
}

TEST_F(MixpanelFacesTest, TheRestIsMarked) {
  AddMixed();
  Add(2, "view", At(8, 9), {{"v", Value("$other")}});
  Add(2, "view", At(8, 9), {{"v", Value("$other")}});
  Add(2, "view", At(8, 9), {{"v", Value("$other")}});
  InsightsReport report;
  report.range = {"2025-06-08", "2025-06-08", ""};
  report.metrics.resize(1);
  report.metrics[0].selector.event = "view";
  report.breakdown.push_back(PropertyRef{"v"});
  report.segment_limit = 1;
  const std::string json = InsightsJson(*engine_->Insights(report));
  EXPECT_NE(json.find(R"("segment":["$other"],"other":true,"values")"), std::string::npos) << json;
  FunnelReport funnel;
  funnel.range = report.range;
  funnel.steps = {{"view", nullptr}, {"view", nullptr}};
  funnel.breakdown = {FunnelBreakdown{PropertyRef{"v"}}};
  funnel.segment_limit = 1;
  EXPECT_NE(FunnelJson(*engine_->Funnel(funnel)).find(R"(["$other"],"other":true,"steps")"),
            std::string::npos);
  RetentionReport retention;
  retention.range = report.range;
  retention.breakdown = PropertyRef{"v"};
  retention.segment_limit = 1;
  EXPECT_NE(RetentionJson(*engine_->Retention(retention)).find(R"(["$other"],"other":true,"size")"),
            std::string::npos);
}

TEST_F(MixpanelFacesTest, AnExportStopsAtItsLimit) {
  for (int i = 0; i < 10; ++i) {
    Add(1, "view", At(8, i), {});
  }
  ExportRequest request;
  request.from = "2025-06-08";
  request.to = "2025-06-08";
  request.limit = 3;
  std::vector<std::string> chunks;
  ASSERT_TRUE(engine_->ExportEvents(request, [&](std::string_view chunk) {
    chunks.emplace_back(chunk);
    return true;
  }));
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(std::count(chunks[0].begin(), chunks[0].end(), '\n'), 3);
  request.limit = 0;
  size_t calls = 0;
  ASSERT_TRUE(engine_->ExportEvents(request, [&](std::string_view) {
    ++calls;
    return false;
  }));
  EXPECT_EQ(calls, 1U);
}

TEST_F(MixpanelFacesTest, EndsOfNumericRangesBelongToWhatBeginsThere) {
  for (int i = 0; i <= 10; ++i) {
    Add(1, "view", At(8, i), {{"x", Value(i / 10.0)}});
  }
  SegmentationRequest request = Question("x");
  request.kind = SegmentationRequest::Kind::kNumeric;
  const std::map<std::string, double> rows = Rows(request);
  EXPECT_EQ(rows.size(), 11U);
  for (const char* label : {"0 - 0.1", "0.3 - 0.4", "0.6 - 0.7", "0.7 - 0.8", "1 - 1.1"}) {
    EXPECT_EQ(rows.count(label), 1U) << label;
  }
}

}  // namespace
}  // namespace bulkhead
