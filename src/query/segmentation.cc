#include "query/segmentation.h"

#include <algorithm>
#include <cmath>

#include "base/limits.h"
#include "query/insights.h"
#include "query/mixpanel_json.h"
#include "query/retention.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxMetrics = 26;
constexpr int kNumericBuckets = 12;

Math MathOf(CountType type) {
  return type == CountType::kUnique    ? Math::kUnique
         : type == CountType::kAverage ? Math::kPerUserAverage
                                       : Math::kTotal;
}

double OrZero(double number) { return std::isnan(number) ? 0 : number; }

// Rows by text, in the answer's order; values that read the same add up; $other is left out as
// Mixpanel does.
SeriesTable TableOf(const InsightsResult& result, bool segmented) {
  SeriesTable table;
  table.dates = result.dates;
  for (const InsightsSeries& series : result.series) {
    if (series.is_other) {
      continue;
    }
    const std::string name = segmented ? SegmentText(series.segment) : series.metric;
    auto row = std::find_if(table.rows.begin(), table.rows.end(),
                            [&](const auto& any) { return any.first == name; });
    if (row == table.rows.end()) {
      row = table.rows.insert(row, {name, std::vector<double>(table.dates.size(), 0)});
    }
    for (size_t i = 0; i < series.values.size(); ++i) {
      row->second[i] += OrZero(series.values[i]);
    }
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

Expression Call(ExpressionOp op, std::vector<Expression> operands) {
  Expression call;
  call.op = op;
  call.children = std::move(operands);
  return call;
}

Expression Constant(double number) {
  Expression constant;
  constant.literal = Value(number);
  return constant;
}

// A width of 1, 2 or 5 times a power of ten that covers the range in about a dozen steps.
double NiceWidth(double low, double high) {
  const double raw = (high - low) / kNumericBuckets;
  if (!(raw > 0)) {
    return 1;
  }
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) {
      return factor * power;
    }
  }
  return 10 * power;
}

// "2,000" as Mixpanel writes the ends of numeric segments.
std::string WithCommas(double number) {
  std::string text;
  AppendJsonNumber(number, &text);
  const size_t end = std::min(text.find_first_of(".eE"), text.size());
  const size_t begin = text.starts_with('-') ? 1 : 0;
  for (size_t at = end; at > begin + 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

// Numbers in equal steps: the segment of a number is the index of its step.
Result<SeriesTable> RunNumeric(const ReportContext& context, InsightsReport report,
                               const Expression& on, PropertyRef property) {
  report.metrics.resize(1, report.metrics[0]);
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
  const double width = NiceWidth(low, high);
  const double start = std::floor(low / width) * width;
  property.through = std::make_shared<const Expression>(
      Call(ExpressionOp::kFloor,
           {Call(ExpressionOp::kDivide,
                 {Call(ExpressionOp::kSubtract, {on, Constant(start)}), Constant(width)})}));
  report.breakdown = {property};
  const Result<InsightsResult> result = RunInsights(context, report);
  if (!result) {
    return result.error();
  }
  std::vector<const InsightsSeries*> order;
  for (const InsightsSeries& series : result->series) {
    if (!series.is_other && series.segment[0].is_number()) {
      order.push_back(&series);
    }
  }
  std::sort(order.begin(), order.end(), [](const InsightsSeries* a, const InsightsSeries* b) {
    return a->segment[0].number() < b->segment[0].number();
  });
  for (const InsightsSeries* series : order) {
    const double from = start + series->segment[0].number() * width;
    std::vector<double> values = series->values;
    std::transform(values.begin(), values.end(), values.begin(), OrZero);
    table.rows.emplace_back(WithCommas(from) + " - " + WithCommas(from + width), std::move(values));
  }
  return table;
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

Result<PropertyRef> OnProperty(const Expression& on) {
  PropertyRef property;
  const std::vector<std::string> events = EventProperties(on);
  const std::vector<std::string> users = UserProperties(on);
  if (events.size() + users.size() != 1 || !EventFields(on).empty()) {
    return Error{ErrorCode::kInvalid, "on: an expression over exactly one property expected"};
  }
  property.of_user = events.empty();
  property.name = events.empty() ? users[0] : events[0];
  if (on.op != ExpressionOp::kEventProperty && on.op != ExpressionOp::kUserProperty) {
    property.through = std::make_shared<const Expression>(on);
  }
  return property;
}

Result<SeriesTable> RunSegmentation(const ReportContext& context,
                                    const SegmentationRequest& request) {
  InsightsReport report = ReportOf(request);
  PropertyRef property;
  if (request.on != nullptr) {
    Result<PropertyRef> on = OnProperty(*request.on);
    if (!on) {
      return on.error();
    }
    property = *std::move(on);
  } else if (request.kind != SegmentationRequest::Kind::kSeries) {
    return Error{ErrorCode::kInvalid, "on: a property expected"};
  }
  switch (request.kind) {
    case SegmentationRequest::Kind::kNumeric:
      return RunNumeric(context, std::move(report), *request.on, std::move(property));
    case SegmentationRequest::Kind::kSum:
    case SegmentationRequest::Kind::kAverage:
      report.metrics[0].math =
          request.kind == SegmentationRequest::Kind::kSum ? Math::kSum : Math::kAverage;
      report.metrics[0].property = std::move(property);
      break;
    case SegmentationRequest::Kind::kSeries:
      if (request.on != nullptr) {
        report.breakdown.push_back(std::move(property));
      }
      break;
  }
  const Result<InsightsResult> result = RunInsights(context, report);
  if (!result) {
    return result.error();
  }
  return TableOf(*result, !report.breakdown.empty());
}

Result<SeriesTable> RunEvents(const ReportContext& context, const EventsRequest& request) {
  if (request.events.empty() || request.events.size() > limits::kMaxSegmentsInReport) {
    return Error{ErrorCode::kInvalid, "event: a list of event names expected"};
  }
  size_t keep = 0;
  const DateRange range = RangeOf(context, request.range, request.unit, request.interval, &keep);
  SeriesTable table;
  for (size_t begin = 0; begin < request.events.size(); begin += kMaxMetrics) {
    InsightsReport report;
    report.range = range;
    report.unit = request.unit;
    for (size_t e = begin; e < std::min(begin + kMaxMetrics, request.events.size()); ++e) {
      InsightsMetric metric;
      metric.selector.event = request.events[e];
      metric.math = MathOf(request.type);
      metric.label = request.events[e];
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
  Expression on;
  on.op = ExpressionOp::kEventProperty;
  on.name = request.property;
  segmentation.on = std::make_shared<const Expression>(std::move(on));
  Result<SeriesTable> table = RunSegmentation(context, segmentation);
  if (!table) {
    return table;
  }
  if (!request.values.empty()) {
    std::erase_if(table->rows, [&](const auto& row) {
      return std::find(request.values.begin(), request.values.end(), row.first) ==
             request.values.end();
    });
  }
  KeepLast(context, segmentation.range, request.unit, keep, &*table);
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
  PropertyRef property;
  property.name = request.property;
  report.breakdown.push_back(std::move(property));
  const Result<InsightsResult> result = RunInsights(context, report);
  if (!result) {
    return result.error();
  }
  std::vector<std::string> values;
  for (const InsightsSeries& series : result->series) {
    if (series.is_other || series.segment[0].is_null() || values.size() >= request.limit) {
      continue;
    }
    std::string text = SegmentText(series.segment);
    if (std::find(values.begin(), values.end(), text) == values.end()) {
      values.push_back(std::move(text));
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
    Result<PropertyRef> on = OnProperty(*request.on);
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
  for (RetentionCohort& cohort : result->cohorts) {
    if (!cohort.is_other) {
      table.rows.push_back(
          {cohort.date, SegmentText(cohort.segment), cohort.size, std::move(cohort.counts)});
    }
  }
  return table;
}

}  // namespace bulkhead
