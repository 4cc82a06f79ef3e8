#include "query/insights.h"

#include <algorithm>
#include <cmath>

#include "query/insights_scan.h"

namespace bulkhead {
namespace {

// The same local time so many days earlier. A day that begins late, since clocks skip midnight,
// still begins where a day begins.
int64_t DaysBefore(const TimeZone& zone, int64_t time_ms, int64_t days) {
  const int64_t day = zone.LocalDay(time_ms);
  return zone.DayStartMs(day) == time_ms
             ? zone.DayStartMs(day - days)
             : zone.MinuteStartMs(zone.LocalMinute(time_ms) - days * 1440);
}

RollingWindows MakeWindows(const Buckets& buckets, const TimeZone& zone, Math math) {
  const int64_t days = math == Math::kDau ? 1 : math == Math::kWau ? 7 : 30;
  RollingWindows windows;
  for (size_t b = 0; b < buckets.size(); ++b) {
    const int64_t end_ms = buckets.end_ms(b);
    windows.ends_ms.push_back(end_ms);
    windows.starts_ms.push_back(DaysBefore(zone, end_ms, days));
  }
  return windows;
}

bool NeedsProperty(const InsightsMetric& metric) {
  return metric.math >= Math::kSum && metric.math <= Math::kDistinct;
}

Result<void> CheckReport(const InsightsReport& report) {
  if (report.metrics.empty() || report.metrics.size() > 26) {
    return Error{ErrorCode::kInvalid, "metrics: from 1 to 26 expected"};
  }
  for (size_t m = 0; m < report.metrics.size(); ++m) {
    const InsightsMetric& metric = report.metrics[m];
    const std::string path = "metrics[" + std::to_string(m) + "]";
    if (NeedsProperty(metric) && metric.property.name.empty() &&
        metric.property.through == nullptr) {
      return Error{ErrorCode::kInvalid, path + ".property: a property name expected"};
    }
    if (metric.percentile < 0 || metric.percentile > 100) {
      return Error{ErrorCode::kInvalid, path + ".math: a percentile from 0 to 100 expected"};
    }
  }
  return {};
}

bool HasProperty(const InsightsMetric& metric) {
  return NeedsProperty(metric) ||
         (metric.math == Math::kPerUserAverage && !metric.property.name.empty());
}

// Fills in what needs only the report; `conditions` keeps the filters' expressions alive.
ScanSpec MakeSpec(const InsightsReport& report, InsightsSetup* setup,
                  std::vector<SharedExpression>* conditions) {
  ScanSpec spec;
  spec.from_ms = setup->buckets->from_ms();
  spec.to_ms = setup->buckets->to_ms();
  for (const InsightsMetric& metric : report.metrics) {
    MetricSetup one;
    one.metric = &metric;
    one.filter = spec.filters.size();
    one.bit = uint64_t{1} << one.filter;
    conditions->push_back(Both(metric.selector.where, report.global_where));
    spec.filters.push_back({metric.selector.event, conditions->back().get()});
    if (HasProperty(metric)) {
      setup->rows_by_person = setup->rows_by_person || metric.property.of_user;
      if (!metric.property.of_user) {
        ScanProperty(&spec, metric.property.name);
      }
    }
    if (IsRolling(metric.math)) {
      one.windows = MakeWindows(*setup->buckets, setup->context->zone, metric.math);
      spec.from_ms = std::min(spec.from_ms, one.windows.starts_ms.front());
    }
    setup->metrics.push_back(std::move(one));
  }
  for (const PropertyRef& property : report.breakdown) {
    setup->rows_by_person = setup->rows_by_person || property.of_user;
    if (!property.of_user) {
      ScanProperty(&spec, property.name);
    }
  }
  spec.people = !setup->rows_by_person;
  return spec;
}

void ReadColumns(InsightsSetup* setup) {
  for (MetricSetup& metric : setup->metrics) {
    if (metric.metric->math == Math::kDistinct) {
      metric.ids = ValueIds::Make(*setup->scan, metric.metric->property, false);
    } else if (HasProperty(*metric.metric)) {
      metric.numbers = NumberColumn::Make(*setup->scan, metric.metric->property);
    }
  }
}

InsightsSeries MakeSeries(const InsightsSetup& setup, uint32_t slot, const std::string& metric) {
  InsightsSeries series;
  series.metric = metric;
  series.is_other = setup.slots.IsOther(slot);
  if (series.is_other) {
    series.segment.assign(setup.breakdown->properties().size(), Value("$other"));
  } else {
    series.segment = setup.breakdown->At(setup.slots.CombinationOf(slot));
  }
  return series;
}

// Numbers of the metrics at one point, as properties["A"], ["B"], ...
class MetricLookup final : public PropertyLookup {
 public:
  explicit MetricLookup(size_t metrics) : values_(metrics) {}
  void Set(size_t metric, double number) {
    values_[metric] = std::isnan(number) ? Value() : Value(number);
  }
  const Value* EventProperty(std::string_view name) override {
    return &values_[static_cast<size_t>(name[0] - 'A')];
  }
  const Value* UserProperty(std::string_view) override { return nullptr; }

 private:
  std::vector<Value> values_;
};

double EvaluateFormula(const Expression& formula, std::vector<MetricCells>* cells, uint32_t slot,
                       size_t bucket) {
  MetricLookup lookup(cells->size());
  for (size_t m = 0; m < cells->size(); ++m) {
    lookup.Set(m, (*cells)[m].At(slot, bucket));
  }
  const std::optional<Value> value = Evaluate(formula, lookup);
  return value && value->is_number() ? value->number() : kNoValue;
}

// The slots in the order of the answer: largest first by the first metric, $other last.
std::vector<uint32_t> OrderSlots(const InsightsSetup& setup, std::vector<MetricCells>* cells) {
  std::vector<std::pair<double, uint32_t>> order;
  for (uint32_t slot = 0; slot < setup.slots.size(); ++slot) {
    const bool empty =
        std::all_of(cells->begin(), cells->end(), [&](MetricCells& c) { return c.Empty(slot); });
    if (!empty || setup.breakdown->empty()) {
      const double size = (*cells)[0].At(slot, setup.buckets->size());
      order.emplace_back(std::isnan(size) ? -1e308 : size, slot);
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
    const bool a_other = setup.slots.IsOther(a.second);
    const bool b_other = setup.slots.IsOther(b.second);
    return a_other != b_other ? b_other : a.first > b.first;
  });
  std::vector<uint32_t> slots;
  for (const auto& [size, slot] : order) {
    slots.push_back(slot);
  }
  return slots;
}

// The first metric decides; a segment that only another one has comes before none.
double RankOf(std::vector<MetricCells>* sizes, uint32_t id) {
  const bool empty =
      std::all_of(sizes->begin(), sizes->end(), [&](MetricCells& c) { return c.Empty(id); });
  const double size = (*sizes)[0].Empty(id) ? 0 : (*sizes)[0].At(id, 1);
  return empty ? 0 : size == 0 || std::isnan(size) ? 1e-300 : size;
}

InsightsResult MakeResult(const InsightsSetup& setup, const InsightsReport& report,
                          std::vector<MetricCells>* cells) {
  InsightsResult result;
  result.dates = setup.buckets->labels();
  const size_t buckets = setup.buckets->size();
  const std::vector<uint32_t> slots = OrderSlots(setup, cells);
  const size_t rows = report.formula != nullptr ? 1 : cells->size();
  for (size_t m = 0; m < rows; ++m) {
    for (const uint32_t slot : slots) {
      const bool formula = report.formula != nullptr;
      if (!formula && !setup.breakdown->empty() && (*cells)[m].Empty(slot)) {
        continue;
      }
      InsightsSeries series =
          MakeSeries(setup, slot, formula ? report.formula_text : report.metrics[m].label);
      for (size_t b = 0; b <= buckets; ++b) {
        const double value =
            formula ? EvaluateFormula(*report.formula, cells, slot, b) : (*cells)[m].At(slot, b);
        if (b == buckets) {
          series.overall = value;
        } else {
          series.values.push_back(value);
        }
      }
      result.series.push_back(std::move(series));
    }
  }
  return result;
}

}  // namespace

Result<InsightsResult> RunInsights(const ReportContext& context, const InsightsReport& report) {
  if (Result<void> checked = CheckReport(report); !checked) {
    return checked.error();
  }
  const Result<Buckets> buckets =
      Buckets::Make(report.range, context.zone, report.unit, report.interval);
  if (!buckets) {
    return buckets.error();
  }
  InsightsSetup setup;
  setup.context = &context;
  setup.buckets = &*buckets;
  std::vector<SharedExpression> conditions;
  const Result<std::unique_ptr<ScanContext>> scan =
      ScanContext::Prepare(context.snapshot, MakeSpec(report, &setup, &conditions));
  if (!scan) {
    return scan.error();
  }
  setup.scan = scan->get();
  ReadColumns(&setup);
  const Result<Breakdown> breakdown = Breakdown::Make(**scan, report.breakdown, true);
  if (!breakdown) {
    return breakdown.error();
  }
  setup.breakdown = &*breakdown;
  setup.slots = SegmentSlots::All(breakdown->size());
  if (breakdown->size() > report.segment_limit) {
    setup.ranking = true;
    Result<std::vector<MetricCells>> sizes = RunInsightsScans(setup);
    if (!sizes) {
      return sizes.error();
    }
    std::vector<double> counts;
    for (uint32_t id = 0; id < breakdown->size(); ++id) {
      counts.push_back(RankOf(&*sizes, id));
    }
    setup.ranking = false;
    setup.slots = SegmentSlots::Largest(counts, report.segment_limit);
  }
  Result<std::vector<MetricCells>> cells = RunInsightsScans(setup);
  if (!cells) {
    return cells.error();
  }
  return MakeResult(setup, report, &*cells);
}

}  // namespace bulkhead
