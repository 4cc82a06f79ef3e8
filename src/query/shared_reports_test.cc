// Reports for readers outside: what is shown is right, and is of enough people.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "query/engine_fixture.h"
#include "query/mixpanel_json.h"

namespace bulkhead {
namespace {

constexpr uint64_t kFew = 5;

class SharedReportsTest : public EngineFixture {
 protected:
  SharedReportsTest() : EngineFixture(1000) { engine_->SetSmallCount(kFew); }

  void Add(uint8_t who, const char* name, int64_t time_ms, const char* plan) {
    batch_.events.push_back(MakeEvent(who, name, time_ms, {{"plan", Value(plan)}}));
  }
  void Store() {
    Apply(std::move(batch_));
    batch_ = {};
  }
  // Up to 80 people, four plans of unequal size.
  void AddRandom(uint32_t seed) {
    std::mt19937 random(seed);
    const uint64_t people = 10 + random() % 70;
    constexpr const char* kPlans[] = {"free", "free", "free", "pro", "pro", "team", "trial"};
    for (uint32_t i = 0; i < 250; ++i) {
      Add(static_cast<uint8_t>(1 + random() % people), random() % 3 == 0 ? "buy" : "view",
          At(static_cast<int64_t>(7 + random() % 4), static_cast<int64_t>(random() % 24)),
          kPlans[random() % 7]);
    }
    Store();
  }
  static InsightsReport Views(Math math, bool shared) {
    InsightsReport report;
    report.project = ProjectId{1};
    report.range = {"2025-06-07", "2025-06-10", ""};
    report.metrics.push_back({{"view", nullptr}, math, 50, {}, "A"});
    report.breakdown.push_back({"plan"});
    report.shared = shared;
    return report;
  }

  Batch batch_;
};

TEST_F(SharedReportsTest, FewPeopleAreNotShownNorWhatGivesThemAway) {
  for (uint8_t who = 1; who <= 40; ++who) Add(who, "view", At(8, 1), "free");
  for (uint8_t who = 41; who <= 60; ++who) Add(who, "view", At(8, 2), "pro");
  for (int times = 0; times < 500; ++times) Add(61, "view", At(8, 3), "secret");
  Store();
  const InsightsResult shared = engine_->Insights(Views(Math::kTotal, true)).value();
  ASSERT_EQ(shared.series.size(), 2U);  // "secret" is of one person, however many events
  for (const InsightsSeries& series : shared.series) {
    const bool free = series.segment.front() == Value("free");
    EXPECT_EQ(std::isnan(series.values[1]), !free);  // else the total less 40 less 20 is 500
    EXPECT_EQ(std::isnan(series.overall), !free);
    EXPECT_EQ(series.values[0], 0);
  }
}

TEST_F(SharedReportsTest, WhatInsightsShowIsRightAndOfEnoughPeople) {
  size_t shown = 0, hidden = 0;
  for (uint32_t seed = 0; seed < 30; ++seed) {
    AddRandom(seed);
    const InsightsResult people = engine_->Insights(Views(Math::kUnique, false)).value();
    for (const Math math : {Math::kTotal, Math::kUnique, Math::kDau}) {
      const InsightsResult all = engine_->Insights(Views(math, false)).value();
      const InsightsResult shared = engine_->Insights(Views(math, true)).value();
      for (const InsightsSeries& series : shared.series) {
        const auto same = [&](const InsightsSeries& other) {
          return other.segment == series.segment;
        };
        const auto whole = std::ranges::find_if(all.series, same);
        const auto persons = std::ranges::find_if(people.series, same);
        ASSERT_TRUE(whole != all.series.end() && persons != people.series.end());
        for (size_t b = 0; b < series.values.size(); ++b) {
          if (std::isnan(series.values[b])) {
            ++hidden;
            continue;
          }
          ++shown;
          EXPECT_EQ(series.values[b], whole->values[b]);
          EXPECT_TRUE(persons->values[b] == 0 || persons->values[b] >= kFew) << seed;
        }
      }
    }
  }
  EXPECT_GT(shown, 200U);
  EXPECT_GT(hidden, 20U);
}

TEST_F(SharedReportsTest, AFormulaShowsNoMoreThanItsMetrics) {
  for (uint8_t who = 1; who <= 20; ++who) Add(who, "view", At(8, 1), "free");
  for (uint8_t who = 1; who <= 3; ++who) Add(who, "buy", At(8, 2), "free");
  Store();
  InsightsReport report = Views(Math::kUnique, true);
  report.breakdown.clear();
  report.metrics.push_back({{"buy", nullptr}, Math::kUnique, 50, {}, "B"});
  report.formula = Parse(R"(properties["B"] / properties["A"])");
  report.formula_text = "B/A";
  const InsightsResult shared = engine_->Insights(report).value();
  ASSERT_EQ(shared.series.size(), 1U);
  EXPECT_TRUE(std::isnan(shared.series[0].overall));
  EXPECT_TRUE(std::isnan(shared.series[0].values[1]));
}

TEST_F(SharedReportsTest, FunnelsHideStepsAndDropOffs) {
  for (uint8_t who = 1; who <= 50; ++who) Add(who, "view", At(8, 1), "free");
  for (uint8_t who = 1; who <= 48; ++who) Add(who, "cart", At(8, 2), "free");
  for (uint8_t who = 1; who <= 30; ++who) Add(who, "buy", At(8, 3), "free");
  Store();
  FunnelReport report;
  report.project = ProjectId{1};
  report.range = {"2025-06-07", "2025-06-10", ""};
  report.steps = {{"view", nullptr}, {"cart", nullptr}, {"buy", nullptr}};
  report.shared = true;
  for (const FunnelCount count : {FunnelCount::kUniques, FunnelCount::kTotals}) {
    report.count = count;
    const FunnelResult shared = engine_->Funnel(report).value();
    EXPECT_EQ(shared.steps[0].count, 50U);
    EXPECT_EQ(shared.steps[1].count, kHiddenCount);  // two people left there
    EXPECT_TRUE(std::isnan(shared.steps[1].conversion));
    EXPECT_TRUE(std::isnan(shared.steps[2].step_conversion));
    EXPECT_EQ(shared.steps[2].count, 30U);
    EXPECT_NE(FunnelJson(shared).find(R"("count":null)"), std::string::npos);
  }
}

TEST_F(SharedReportsTest, WhatFunnelsAndRetentionShowIsRightAndOfEnoughPeople) {
  size_t shown = 0;
  for (uint32_t seed = 100; seed < 130; ++seed) {
    AddRandom(seed);
    FunnelReport funnel;
    funnel.project = ProjectId{1};
    funnel.range = {"2025-06-07", "2025-06-10", ""};
    funnel.steps = {{"view", nullptr}, {"buy", nullptr}};
    funnel.breakdown.push_back({{"plan"}});
    funnel.unit = TimeUnit::kDay;
    const FunnelResult all = engine_->Funnel(funnel).value();
    funnel.shared = true;
    const FunnelResult shared = engine_->Funnel(funnel).value();
    for (const FunnelSeries& series : shared.series) {
      const auto whole = std::ranges::find_if(
          all.series, [&](const FunnelSeries& other) { return other.segment == series.segment; });
      for (size_t s = 0; s < series.steps.size(); ++s) {
        if (series.steps[s].count == kHiddenCount) continue;
        EXPECT_EQ(series.steps[s].count, whole->steps[s].count);
        EXPECT_TRUE(series.steps[s].count == 0 || series.steps[s].count >= kFew);
      }
    }
    RetentionReport retention;
    retention.project = ProjectId{1};
    retention.range = funnel.range;
    retention.born.event = "view";
    retention.buckets = 2;
    retention.shared = true;
    const RetentionResult cohorts = engine_->Retention(retention).value();
    for (const RetentionCohort& cohort : cohorts.cohorts) {
      for (const uint64_t count : cohort.counts) {
        shown += count != kHiddenCount ? 1 : 0;
        EXPECT_TRUE(count == kHiddenCount || count == 0 || count >= kFew);
        const bool both = count != kHiddenCount && cohort.size != kHiddenCount;
        EXPECT_TRUE(!both || cohort.size == count || cohort.size - count >= kFew);
      }
    }
  }
  EXPECT_GT(shown, 100U);
}

}  // namespace
}  // namespace bulkhead
