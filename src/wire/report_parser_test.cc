#include "wire/report_parser.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

std::string ErrorOf(std::string_view json) {
  const Result<Report> report = ParseReport(json);
  return report ? "" : report.error().message;
}

TEST(ReportParser, Funnel) {
  const Result<Report> report = ParseReport(R"({"project_id":1,"report":"funnel",
    "from":"2025-08-12","to":"2025-09-26","timezone":"Europe/Berlin",
    "steps":[{"event":"a"},{"event":"b","where":"properties[\"x\"] == 1"},{"event":"c"}],
    "window":{"value":2,"unit":"hour"},"count":"totals","hold":["plan"],
    "exclude":[{"event":"x","after_step":1,"before_step":2}],
    "breakdown":[{"property":"plan","attribution":"step:2"},"user[\"tier\"]"],"unit":"day"})");
  ASSERT_TRUE(report);
  const FunnelReport& funnel = std::get<FunnelReport>(*report);
  EXPECT_EQ(funnel.project.value, 1U);
  EXPECT_EQ(funnel.steps.size(), 3U);
  EXPECT_NE(funnel.steps[1].where, nullptr);
  EXPECT_EQ(funnel.window_ms, 7'200'000);
  EXPECT_EQ(funnel.count, FunnelCount::kTotals);
  ASSERT_EQ(funnel.exclude.size(), 1U);
  EXPECT_EQ(funnel.exclude[0].after_step, 0U);
  EXPECT_EQ(funnel.exclude[0].before_step, 1U);
  ASSERT_EQ(funnel.breakdown.size(), 2U);
  EXPECT_EQ(funnel.breakdown[0].step, 1U);
  EXPECT_TRUE(funnel.breakdown[1].property.of_user);
  EXPECT_EQ(funnel.unit, TimeUnit::kDay);
}

TEST(ReportParser, Insights) {
  const Result<Report> report = ParseReport(R"({"project_id":1,"report":"insights",
    "from":"2025-08-12","to":"2025-08-13","metrics":[{"event":"a","math":"unique"},
    {"event":"a","math":"p95","property":"ms"},{"event":"","math":"total"}],
    "unit":"hour","breakdown":["plan"],"formula":"A/C"})");
  ASSERT_TRUE(report) << ErrorOf("");
  const InsightsReport& insights = std::get<InsightsReport>(*report);
  EXPECT_EQ(insights.metrics[0].math, Math::kUnique);
  EXPECT_EQ(insights.metrics[1].math, Math::kPercentile);
  EXPECT_EQ(insights.metrics[1].percentile, 95);
  EXPECT_EQ(insights.metrics[2].label, "C");
  EXPECT_NE(insights.formula, nullptr);
}

TEST(ReportParser, Retention) {
  const Result<Report> report = ParseReport(R"({"project_id":1,"report":"retention",
    "from":"2025-08-12","to":"2025-08-13","born":{"event":"a"},"unit":"week","buckets":5,
    "mode":"on_or_after","calendar":true,"birth":"recurring"})");
  ASSERT_TRUE(report);
  const RetentionReport& retention = std::get<RetentionReport>(*report);
  EXPECT_TRUE(retention.returning.event.empty());
  EXPECT_EQ(retention.buckets, 5);
  EXPECT_TRUE(retention.calendar);
  EXPECT_EQ(retention.mode, RetentionMode::kOnOrAfter);
  EXPECT_EQ(retention.birth, RetentionBirth::kRecurring);
}

TEST(ReportParser, AListOfNobodyIsNotEverybody) {
  const auto subjects = [](const std::string& rest) {
    return std::get<PeopleReport>(*ParseReport(R"({"project_id":1,"report":"people")" + rest + "}"))
        .subjects;
  };
  EXPECT_FALSE(subjects("").has_value());
  EXPECT_FALSE(subjects(R"(,"subjects":null)").has_value());
  EXPECT_EQ(subjects(R"(,"subjects":[])")->size(), 0U);
  EXPECT_EQ(subjects(R"(,"subjects":["00112233445566778899aabbccddeeff"])")->size(), 1U);
}

TEST(ReportParser, TheProjectMayBeKnownAlready) {
  EXPECT_EQ(ProjectOf(*ParseReport(R"({"report":"people"})", ProjectId{7})), ProjectId{7});
  EXPECT_EQ(ProjectOf(*ParseReport(R"({"report":"people","project_id":8})", ProjectId{7})),
            ProjectId{8});
}

TEST(ReportParser, ErrorsNameThePath) {
  const std::string head = R"({"project_id":1,"from":"2025-08-12","to":"2025-08-13",)";
  EXPECT_EQ(ErrorOf("[]"), "body: a JSON object expected");
  EXPECT_EQ(ErrorOf(head + R"("report":"pie"})"),
            "report: one of insights, funnel, retention, flow, sessions, lifecycle, people "
            "expected");
  EXPECT_EQ(ErrorOf(head + R"("report":"funnel","steps":[{"event":"a"},{"event":7}]})"),
            "steps[1].event: a string expected");
  EXPECT_EQ(
      ErrorOf(head + R"("report":"funnel","steps":[{"event":"a"},{"event":"b","where":"1 +"}]})"),
      "steps[1].where: column 4: a value expected, but the text ends");
  EXPECT_EQ(ErrorOf(head + R"("report":"insights","metrics":[{"event":"a","math":"sum"}]})"),
            "metrics[0].property: a property name expected");
  EXPECT_EQ(ErrorOf(head + R"("report":"insights","metrics":[{"event":"a"}],"formula":"A/B"})"),
            "formula: column 3: there is no metric of that letter");
  EXPECT_EQ(ErrorOf(R"({"project_id":1,"report":"insights","from":"x","to":"y"})"),
            "from: a date YYYY-MM-DD expected");
  EXPECT_EQ(ErrorOf(R"({"report":"people"})"), "project_id: a project's number expected");
}

}  // namespace
}  // namespace bulkhead
