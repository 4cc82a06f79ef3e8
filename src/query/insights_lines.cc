#include "query/insights_lines.h"

#include <algorithm>
#include <cmath>

#include "query/insights.h"

namespace bulkhead {
namespace {

constexpr int64_t kWeekDays = 7;

// The mean of the last `width` values up to each, of fewer at the begin; values that are not there
// do not count.
std::vector<double> RollingMeans(const std::vector<double>& values, size_t width) {
  std::vector<double> means(values.size(), kNoValue);
  for (size_t i = 0; i < values.size(); ++i) {
    double sum = 0;
    double count = 0;
    for (size_t k = i + 1 < width ? 0 : i + 1 - width; k <= i; ++k) {
      if (std::isnan(values[k])) continue;
      sum += values[k];
      ++count;
    }
    if (count > 0) means[i] = sum / count;
  }
  return means;
}

std::vector<double> RunningSums(std::vector<double> values) {
  double sum = 0;
  for (double& value : values) {
    sum += std::isnan(value) ? 0 : value;
    value = sum;
  }
  return values;
}

void DrawLines(const InsightsReport& report, std::vector<InsightsSeries>* all) {
  for (InsightsSeries& series : *all) {
    if (report.rolling > 0) series.values = RollingMeans(series.values, report.rolling);
    if (report.cumulative) series.values = RunningSums(std::move(series.values));
  }
}

// The same day of a month so many earlier, or that month's last.
int64_t MonthsEarlier(int64_t day, int64_t months) {
  const int64_t first = MonthStart(day, -months);
  return std::min(first + (day - MonthStart(day, 0)), MonthStart(first, 1) - 1);
}

}  // namespace

Result<DateRange> EarlierRange(const DateRange& range, const InsightsComparison& by) {
  const Result<int64_t> from = ParseDay(range.from);
  const Result<int64_t> to = ParseDay(range.to);
  if (!from || !to) {
    return Error{ErrorCode::kInvalid, "from, to: two dates YYYY-MM-DD expected"};
  }
  const auto earlier = [&](int64_t day) {
    return by.unit == TimeUnit::kMonth
               ? MonthsEarlier(day, by.value)
               : day - by.value * (by.unit == TimeUnit::kWeek ? kWeekDays : 1);
  };
  DateRange before = range;
  before.from = FormatDay(earlier(*from));
  before.to = FormatDay(earlier(*to));
  return before;
}

Result<InsightsResult> RunInsightsLines(const ReportContext& context,
                                        const InsightsReport& report) {
  Result<InsightsResult> result = RunInsights(context, report);
  if (!result) {
    return result;
  }
  DrawLines(report, &result->series);
  if (!report.compare) {
    return result;
  }
  InsightsReport before = report;
  const Result<DateRange> range = EarlierRange(report.range, *report.compare);
  if (!range) {
    return range.error();
  }
  before.range = *range;
  Result<InsightsResult> past = RunInsights(context, before);
  if (!past) {
    return past;
  }
  DrawLines(report, &past->series);
  result->past_dates = std::move(past->dates);
  result->past_series = std::move(past->series);
  return result;
}

}  // namespace bulkhead
