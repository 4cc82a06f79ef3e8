#include "query/segmentation.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/limits.h"
#include "query/insights.h"
#include "query/mixpanel_json.h"
#include "query/numeric_ranges.h"
#include "query/on_property.h"
#include "query/retention.h"
#include "query/row_numbers.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxMetrics = 26;

Math MathOf(CountType type) {
  return type == CountType::kUnique    ? Math::kUnique
         : type == CountType::kAverage ? Math::kPerUserAverage
                                       : Math::kTotal;
}

double OrZero(double number) { return std::isnan(number) ? 0 : number; }

// Rows by text, in the answer's order; $other is left out as Mixpanel does.
SeriesTable TableOf(const InsightsResult& result, bool segmented) {
  SeriesTable table;
  table.dates = result.dates;
  for (const InsightsSeries& series : result.series) {
    if (series.is_other) {
      continue;
    }
    std::vector<double> values = series.values;
    std::transform(values.begin(), values.end(), values.begin(), OrZero);
    table.rows.emplace_back(segmented ? SegmentText(series.segment) : series.metric,
                            std::move(values));
  }
  return table;
}

InsightsReport ReportOf(const SegmentationRequest& request) {
  InsightsReport report;
  report.range = request.range;
  report.unit = request.unit;
  report.interval = request.interval;
  report.segment_limit = std::clamp<size_t>(request.limit, 1, limits::kMaxSegmentsInReport);
  InsightsMetric metric;
  metric.selector = {request.event, request.where};
  metric.math = MathOf(request.type);
  metric.label = request.event;
  report.metrics.push_back(std::move(metric));
  return report;
}

// Numbers in equal ranges: the segment of a number is the index of its range.
Result<SeriesTable> RunNumeric(const ReportContext& context, InsightsReport report,
                               const Expression& on, PropertyRef property) {
  InsightsReport extremes = report;
  extremes.metrics.push_back(extremes.metrics[0]);
  extremes.metrics[0].math = Math::kMin;
  extremes.metrics[1].math = Math::kMax;
  extremes.metrics[0].property = property;
  extremes.metrics[1].property = property;
  const Result<InsightsResult> found = RunInsights(context, extremes);
  if (!found) {
    return found.error();
  }
  const double low = found->series[0].overall;
  const double high = found->series[1].overall;
  SeriesTable table;
  table.dates = found->dates;
  if (std::isnan(low) || std::isnan(high)) {
    return table;  // no numbers at all
  }
  const NumericRanges ranges = NumericRanges::Make(low, high);
  property.through = std::make_shared<const Expression>(ranges.IndexOf(on));
  report.breakdown = {property};
  const Result<InsightsResult> result = RunInsights(context, report);
  if (!result) {
    return result.error();
  }
  std::map<size_t, std::vector<double>> rows;
  for (const InsightsSeries& series : result->series) {
    if (!series.is_other && series.segment[0].is_number()) {
      std::vector<double>& values = rows[static_cast<size_t>(series.segment[0].number())];
      values = series.values;
      std::transform(values.begin(), values.end(), values.begin(), OrZero);
    }
  }
  for (auto& [range, values] : rows) {
    table.rows.emplace_back(ranges.Label(range), std::move(values));
  }
  return table;
}

Expression PropertyNamed(const std::string& name) {
  Expression property;
  property.op = ExpressionOp::kEventProperty;
  property.name = name;
  return property;
}

// The property's texts, of these only.
SharedExpression OnlyTexts(const std::string& property, const std::vector<std::string>& texts) {
  ValueList wanted;
  for (const std::string& text : texts) {
    wanted.push_back(text == kUndefinedText ? Value() : Value(text));
  }
  Expression only;
  only.op = ExpressionOp::kTexts;
  only.children.resize(2);
  only.children[0] = PropertyNamed(property);
  only.children[1].literal = Value(std::move(wanted));
  return std::make_shared<const Expression>(std::move(only));
}

SharedExpression IsDefined(const Expression& operand) {
  Expression defined;
  defined.op = ExpressionOp::kDefined;
  defined.children.push_back(operand);
  return std::make_shared<const Expression>(std::move(defined));
}

// How many return buckets of a cohort have begun for whoever was born first in it. Mixpanel leaves
// out the others: nobody could have returned in them.
size_t BegunBuckets(const RetentionReport& report, int64_t cohort_ms, int64_t now_ms) {
  const int64_t days = report.unit == TimeUnit::kMonth  ? 30
                       : report.unit == TimeUnit::kWeek ? 7
                                                        : 1;
  const int64_t length_ms = days * 86'400'000 * report.interval;
  return now_ms < cohort_ms ? 0 : static_cast<size_t>((now_ms - cohort_ms) / length_ms) + 1;
}

// The range of a request that may name units back from now instead, and how many of its last
// buckets to keep.
DateRange RangeOf(const ReportContext& context, const DateRange& range, TimeUnit unit, int interval,
                  size_t* keep) {
  *keep = 0;
  if (!range.from.empty()) {
    return range;
  }
  const int64_t units = std::max(interval, 1);
  *keep = static_cast<size_t>(units);
  switch (unit) {
    case TimeUnit::kSecond:
    case TimeUnit::kMinute:
      return LastDays(context, units / 1440 + 2);
    case TimeUnit::kHour:
      return LastDays(context, units / 24 + 2);
    case TimeUnit::kDay:
      return LastDays(context, units);
    case TimeUnit::kWeek:
      break;
    case TimeUnit::kMonth: {
      DateRange months = LastDays(context, 1);
      const int64_t today = context.zone.LocalDay(context.now_ms);
      months.from = FormatDay(MonthStart(today, 1 - units));
      return months;
    }
  }
  DateRange weeks = LastDays(context, 1);
  weeks.from = FormatDay(WeekStart(context.zone.LocalDay(context.now_ms)) - 7 * (units - 1));
  return weeks;
}

// Drops buckets that lie in the future, then all but the last `keep`.
void KeepLast(const ReportContext& context, const DateRange& range, TimeUnit unit, size_t keep,
              SeriesTable* table) {
  if (keep == 0) {
    return;
  }
  const Result<Buckets> buckets = Buckets::Make(range, context.zone, unit, 1);
  size_t end = table->dates.size();
  while (buckets && end > 1 && buckets->start_ms(end - 1) > context.now_ms) {
    --end;
  }
  const size_t begin = end > keep ? end - keep : 0;
  const auto cut = [&](auto* list) {
    list->erase(list->begin() + static_cast<ptrdiff_t>(end), list->end());
    list->erase(list->begin(), list->begin() + static_cast<ptrdiff_t>(begin));
  };
  cut(&table->dates);
  for (auto& [name, values] : table->rows) {
    cut(&values);
  }
}

}  // namespace

DateRange LastDays(const ReportContext& context, int64_t days) {
  const int64_t today = context.zone.LocalDay(context.now_ms);
  DateRange range;
  range.from = FormatDay(today - days + 1);
  range.to = FormatDay(today);
  return range;
}

Result<SeriesTable> RunSegmentation(const ReportContext& context,
                                    const SegmentationRequest& request) {
  using Kind = SegmentationRequest::Kind;
  InsightsReport report = ReportOf(request);
  if (request.kind == Kind::kSeries) {
    if (request.on != nullptr) {
      Result<PropertyRef> text = OnText(*request.on, ListText::kByElement);
      if (!text) {
        return text.error();
      }
      report.breakdown.push_back(*std::move(text));
    }
  } else if (request.on == nullptr) {
    return Error{ErrorCode::kInvalid, "on: a property expected"};
  } else if (!ReadsOneProperty(*request.on)) {
    return RunRowNumbers(context, request);
  } else if (request.kind == Kind::kNumeric) {
    return RunNumeric(context, std::move(report), *request.on, *OnProperty(*request.on));
  } else {
    report.metrics[0].math = request.kind == Kind::kSum ? Math::kSum : Math::kAverage;
    report.metrics[0].property = *OnProperty(*request.on);
  }
  const Result<InsightsResult> result = RunInsights(context, report);
  if (!result) {
    return result.error();
  }
  return TableOf(*result, !report.breakdown.empty());
}

Result<SeriesTable> RunEvents(const ReportContext& context, const EventsRequest& request) {
  std::vector<std::string> events;  // each once: an answer has one row per name
  std::set<std::string_view> seen;
  for (const std::string& event : request.events) {
    if (seen.insert(event).second) {
      events.push_back(event);
    }
  }
  if (events.empty() || events.size() > limits::kMaxSegmentsInReport) {
    return Error{ErrorCode::kInvalid, "event: a list of event names expected"};
  }
  size_t keep = 0;
  const DateRange range = RangeOf(context, request.range, request.unit, request.interval, &keep);
  SeriesTable table;
  for (size_t begin = 0; begin < events.size(); begin += kMaxMetrics) {
    InsightsReport report;
    report.range = range;
    report.unit = request.unit;
    for (size_t e = begin; e < std::min(begin + kMaxMetrics, events.size()); ++e) {
      InsightsMetric metric;
      metric.selector.event = events[e];
      metric.math = MathOf(request.type);
      metric.label = events[e];
      report.metrics.push_back(std::move(metric));
    }
    const Result<InsightsResult> result = RunInsights(context, report);
    if (!result) {
      return result.error();
    }
    SeriesTable part = TableOf(*result, false);
    table.dates = std::move(part.dates);
    std::move(part.rows.begin(), part.rows.end(), std::back_inserter(table.rows));
  }
  KeepLast(context, range, request.unit, keep, &table);
  return table;
}

Result<SeriesTable> RunEventPropertySeries(const ReportContext& context,
                                           const EventPropertyRequest& request) {
  size_t keep = 0;
  SegmentationRequest segmentation;
  segmentation.event = request.event;
  segmentation.range = RangeOf(context, request.range, request.unit, request.interval, &keep);
  segmentation.type = request.type;
  segmentation.unit = request.unit;
  segmentation.limit = request.values.empty() ? request.limit : limits::kMaxSegmentsInReport;
  InsightsReport report = ReportOf(segmentation);
  Result<PropertyRef> text = OnText(PropertyNamed(request.property), ListText::kByElement);
  if (!text) {
    return text.error();
  }
  if (!request.values.empty()) {
    // Asked of each row and not of the answer, which only has the most frequent values.
    text->through = OnlyTexts(request.property, request.values);
    report.metrics[0].selector.where = IsDefined(*text->through);
  }
  report.breakdown.push_back(*std::move(text));
  const Result<InsightsResult> result = RunInsights(context, report);
  if (!result) {
    return result.error();
  }
  SeriesTable table = TableOf(*result, true);
  KeepLast(context, segmentation.range, request.unit, keep, &table);
  return table;
}

Result<std::vector<std::string>> RunPropertyValues(const ReportContext& context,
                                                   const NamesRequest& request) {
  InsightsReport report;
  report.range = LastDays(context, 31);
  report.segment_limit = std::clamp<size_t>(request.limit + 1, 1, limits::kMaxSegmentsInReport);
  InsightsMetric metric;
  metric.selector.event = request.event;
  report.metrics.push_back(std::move(metric));
  Result<PropertyRef> text = OnText(PropertyNamed(request.property), ListText::kByElement);
  if (!text) {
    return text.error();
  }
  report.breakdown.push_back(*std::move(text));
  const Result<InsightsResult> result = RunInsights(context, report);
  if (!result) {
    return result.error();
  }
  std::vector<std::string> values;
  for (const InsightsSeries& series : result->series) {
    if (!series.is_other && !series.segment[0].is_null() && values.size() < request.limit) {
      values.push_back(SegmentText(series.segment));
    }
  }
  return values;
}

Result<CohortTable> RunCohortRetention(const ReportContext& context,
                                       const CohortRetentionRequest& request) {
  RetentionReport report = request.report;
  CohortTable table;
  table.segmented = request.on != nullptr;
  if (request.on != nullptr) {
    Result<PropertyRef> on = OnText(*request.on, ListText::kWhole);
    if (!on) {
      return on.error();
    }
    report.breakdown = *std::move(on);
    report.segment_limit = std::clamp<size_t>(request.limit, 1, limits::kMaxSegmentsInReport);
  }
  Result<RetentionResult> result = RunRetention(context, report);
  if (!result) {
    return result.error();
  }
  const Result<Buckets> buckets =
      Buckets::Make(report.range, context.zone, report.unit, report.interval);
  std::map<std::string_view, size_t> begun;
  for (size_t b = 0; buckets && b < buckets->size(); ++b) {
    begun[buckets->labels()[b]] = BegunBuckets(report, buckets->start_ms(b), context.now_ms);
  }
  for (RetentionCohort& cohort : result->cohorts) {
    if (!cohort.is_other) {
      cohort.counts.resize(std::min(cohort.counts.size(), begun[cohort.date]));
      table.rows.push_back(
          {cohort.date, SegmentText(cohort.segment), cohort.size, std::move(cohort.counts)});
    }
  }
  return table;
}

}  // namespace bulkhead
