#include "http/query_requests.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

QueryParameters Form(std::string_view text) {
  QueryParameters parameters;
  EXPECT_TRUE(parameters.AddForm(text).has_value());
  return parameters;
}

template <typename T>
std::string ErrorOf(const Result<T>& result) {
  return result ? "" : result.error().message;
}

constexpr std::string_view kRange = "from_date=2026-01-01&to_date=2026-01-31";

TEST(QueryParametersTest, GathersFormsAndJson) {
  QueryParameters parameters = Form("a=1&b=x%20y+z&c&a=1&d=");
  EXPECT_EQ(*parameters.Find("b"), "x y z");
  EXPECT_EQ(parameters.Find("c"), nullptr);
  EXPECT_EQ(parameters.Find("d"), nullptr);
  EXPECT_TRUE(parameters.AddJson(R"({"e":["u",1],"f":null,"g":"t","h":true})").has_value());
  EXPECT_EQ(*parameters.Find("e"), R"(["u",1])");
  EXPECT_EQ(parameters.Find("f"), nullptr);
  EXPECT_EQ(*parameters.Find("h"), "true");
  EXPECT_FALSE(parameters.AddForm("a=2").has_value());
  EXPECT_FALSE(parameters.AddJson("[1]").has_value());
  EXPECT_FALSE(parameters.AddJson("{").has_value());
}

TEST(QueryParametersTest, TooManyAreRefused) {
  std::string text;
  for (int i = 0; i < 300; ++i) {
    text += 'p';
    text += std::to_string(i);
    text += "=1&";
  }
  QueryParameters parameters;
  EXPECT_FALSE(parameters.AddForm(text).has_value());
}

TEST(QueryParametersTest, RealDatesOnly) {
  EXPECT_EQ(DayNumber("1970-01-02"), 1);
  EXPECT_TRUE(DayNumber("2024-02-29").has_value());
  for (const std::string_view date : {"2026-02-29", "2026-13-01", "2026-1-1", "20260101",
                                      "2026-01-01T00:00:00", "2026-00-10", "+026-01-01", ""}) {
    EXPECT_FALSE(DayNumber(date).has_value()) << date;
  }
}

TEST(QueryRequestsTest, Segmentation) {
  const auto request = ReadSegmentation(
      Form("event=View&from_date=2026-01-01&to_date=2026-01-02&unit=hour&type=unique&limit=5"
           "&on=properties%5B%22plan%22%5D&where=properties%5B%22a%22%5D%3D%3D1"),
      SegmentationRequest::Kind::kSeries);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->event, "View");
  EXPECT_EQ(request->unit, TimeUnit::kHour);
  EXPECT_EQ(request->type, CountType::kUnique);
  EXPECT_EQ(request->limit, 5U);
  EXPECT_EQ(request->on->name, "plan");
  EXPECT_NE(request->where, nullptr);
}

TEST(QueryRequestsTest, ErrorsNameTheParameterAndNotTheValue) {
  const auto read = [](const std::string& text) {
    return ErrorOf(ReadSegmentation(Form(text), SegmentationRequest::Kind::kSeries));
  };
  const std::string range(kRange);
  EXPECT_EQ(read(range), "event: is required");
  EXPECT_EQ(read("event=e&to_date=2026-01-01"), "from_date: is required");
  EXPECT_EQ(read("event=e&from_date=needle&to_date=2026-01-01"),
            "from_date: must be a date YYYY-MM-DD");
  EXPECT_EQ(read("event=e&from_date=2026-01-02&to_date=2026-01-01"),
            "to_date: must not be before from_date");
  EXPECT_EQ(read("event=e&unit=needle&" + range),
            "unit: must be one of minute, hour, day, week, month");
  EXPECT_EQ(read("event=e&limit=10001&" + range), "limit: must be an integer from 1 to 10000");
  EXPECT_EQ(read("event=e&limit=1e3&" + range), "limit: must be an integer from 1 to 10000");
  EXPECT_EQ(read("event=e&format=csv&" + range), "format: must be one of json");
  EXPECT_EQ(read("event=e&unit=minute&from_date=2020-01-01&to_date=2026-01-01"),
            "unit: gives too many intervals for these dates");
  const std::string where = read("event=e&where=needle(((&" + range);
  EXPECT_TRUE(where.starts_with("where: "));
  EXPECT_EQ(where.find("needle"), std::string::npos);
  EXPECT_EQ(ErrorOf(ReadSegmentation(Form("event=e&" + range), SegmentationRequest::Kind::kSum)),
            "on: is required");
}

TEST(QueryRequestsTest, EventsByDatesOrInterval) {
  const auto dates = ReadEvents(Form("event=%5B%22a%22,%22b%22%5D&" + std::string(kRange)));
  ASSERT_TRUE(dates.has_value());
  EXPECT_EQ(dates->events, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(dates->interval, 0);
  const auto interval = ReadEvents(Form("event=%5B%22a%22%5D&unit=week&interval=7"));
  ASSERT_TRUE(interval.has_value());
  EXPECT_EQ(interval->interval, 7);
  EXPECT_EQ(ErrorOf(ReadEvents(Form("event=%5B1&interval=7"))),
            "event: must be a JSON array of strings");
}

TEST(QueryRequestsTest, RetentionBirthAndCompounded) {
  const std::string range(kRange);
  const auto birth = ReadRetention(
      Form("born_event=signup&event=login&unit=week&interval_count=5&unbounded_retention=true&" +
           range));
  ASSERT_TRUE(birth.has_value());
  EXPECT_EQ(birth->report.born.event, "signup");
  EXPECT_EQ(birth->report.buckets, 5);
  EXPECT_EQ(birth->report.mode, RetentionMode::kOnOrAfter);
  const auto compounded = ReadRetention(Form("retention_type=compounded&event=login&" + range));
  ASSERT_TRUE(compounded.has_value());
  EXPECT_EQ(compounded->report.born.event, "login");
  EXPECT_EQ(compounded->report.birth, RetentionBirth::kRecurring);
  EXPECT_EQ(ErrorOf(ReadRetention(Form(range))), "born_event: is required");
  EXPECT_EQ(ErrorOf(ReadRetention(Form("born_event=a&interval_count=367&" + range))),
            "interval_count: must be an integer from 1 to 366");
  EXPECT_EQ(ErrorOf(ReadRetention(Form("born_event=a&unit=day&interval=2&" + range))),
            "interval: cannot be given together with unit");
}

TEST(QueryRequestsTest, FunnelOverASavedDefinition) {
  FunnelReport report;
  report.global_where = std::make_shared<const Expression>(*ParseExpression("false"));
  const std::string range(kRange);
  EXPECT_TRUE(
      ReadFunnelInto(Form("length=36&length_unit=hour&unit=week&on=user%5B%22plan%22%5D&" + range),
                     &report)
          .has_value());
  EXPECT_EQ(report.window_ms, 36LL * 3600 * 1000);
  ASSERT_NE(report.global_where, nullptr);  // its own stays
  EXPECT_EQ(report.global_where->op, ExpressionOp::kLiteral);
  EXPECT_EQ(report.unit, TimeUnit::kWeek);
  ASSERT_EQ(report.breakdown.size(), 1U);
  EXPECT_TRUE(report.breakdown[0].property.of_user);
  EXPECT_TRUE(ReadFunnelInto(Form("where=true&" + range), &report).has_value());
  EXPECT_EQ(report.global_where->op, ExpressionOp::kAnd);
  EXPECT_EQ(ErrorOf(ReadFunnelInto(Form("length=91&" + range), &report)),
            "length: must be an integer from 1 to 90");
  EXPECT_EQ(ErrorOf(ReadFunnelParameters(Form("funnel_id=abc"))),
            "funnel_id: must be an integer from 1 to 9223372036854775807");
}

TEST(QueryRequestsTest, Persons) {
  const auto engage = ReadEngage(Form("distinct_ids=%5B%22a%22%5D&distinct_id=b&page=0"));
  ASSERT_TRUE(engage.has_value());
  EXPECT_EQ(engage->distinct_ids, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(ReadEngage(Form("distinct_ids=%5B%5D"))->names_persons);  // nobody
  EXPECT_FALSE(ReadEngage(Form("page=0"))->names_persons);              // everybody
  const std::string is_gold = "user%5B%22tier%22%5D%3D%3D%22gold%22";
  EXPECT_NE(ReadEngage(Form("selector=" + is_gold))->where, nullptr);
  EXPECT_NE(ReadEngage(Form("selector=" + is_gold + "&where=" + is_gold))->where, nullptr);
  EXPECT_EQ(ErrorOf(ReadEngage(Form("where=true&selector=" + is_gold))),
            "selector: cannot be given together with another where");
  EXPECT_EQ(ErrorOf(ReadEngage(Form("page=1"))),
            "session_id: is required for pages after the first");
  EXPECT_EQ(ErrorOf(ReadEngage(Form("filter_by_cohort=%7B%22id%22:1%7D"))),
            "filter_by_cohort: is not supported");
  EXPECT_EQ(ErrorOf(ReadActivity(Form(kRange))), "distinct_ids: is required");
  const auto exported = ReadExport(Form("limit=100000&time_in_ms=true&" + std::string(kRange)));
  ASSERT_TRUE(exported.has_value());
  EXPECT_TRUE(exported->time_in_ms);
  EXPECT_EQ(ErrorOf(ReadExport(Form("limit=100001&" + std::string(kRange)))),
            "limit: must be an integer from 1 to 100000");
}

}  // namespace
}  // namespace bulkhead
