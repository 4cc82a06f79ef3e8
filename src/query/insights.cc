#include "query/insights.h"

#include <algorithm>
#include <cmath>

#include "query/breakdown.h"
#include "query/metric_cells.h"

namespace bulkhead {
namespace {

// The buckets whose trailing window holds a moment.
struct RollingWindows {
  std::vector<int64_t> starts_ms;  // by bucket, ascending
  std::vector<int64_t> ends_ms;
};

struct MetricSetup {
  const InsightsMetric* metric = nullptr;
  uint64_t bit = 0;
  size_t filter = 0;
  std::optional<NumberColumn> numbers;
  std::optional<ValueIds> ids;  // distinct
  RollingWindows windows;
};

struct InsightsSetup {
  const ReportContext* context = nullptr;
  const ScanContext* scan = nullptr;
  const Buckets* buckets = nullptr;
  const Breakdown* breakdown = nullptr;
  SegmentSlots slots = SegmentSlots::All(1);
  std::vector<MetricSetup> metrics;
  bool rows_by_person = false;  // something depends on profiles
  bool ranking = false;         // only the range as a whole
};

class InsightsCounter {
 public:
  explicit InsightsCounter(const InsightsSetup& setup) : setup_(setup) {
    const size_t metrics = setup.metrics.size();
    const size_t slots = setup.ranking ? setup.breakdown->size() : setup.slots.size();
    const size_t buckets = setup.ranking ? 1 : setup.buckets->size();
    for (size_t m = 0; m < metrics; ++m) {
      const InsightsMetric& metric = *setup.metrics[m].metric;
      cells_.emplace_back(metric.math, metric.percentile, slots, buckets);
    }
  }

  std::vector<MetricCells>& cells() { return cells_; }

 protected:
  [[nodiscard]] uint32_t Slot(uint32_t combination) const {
    return setup_.ranking ? combination : setup_.slots.Of(combination);
  }
  [[nodiscard]] size_t Bucket(int64_t time_ms) const {
    return setup_.ranking ? 0 : setup_.buckets->Of(time_ms);
  }
  [[nodiscard]] bool InRange(int64_t time_ms) const {
    return time_ms >= setup_.buckets->from_ms() && time_ms < setup_.buckets->to_ms();
  }

  const InsightsSetup& setup_;
  std::vector<MetricCells> cells_;
};

class InsightsRows final : public RowVisitor, public InsightsCounter {
 public:
  using InsightsCounter::InsightsCounter;

  void Visit(const RowBlock& block) override {
    const TimeView times = setup_.scan->Times(block.source);
    for (size_t m = 0; m < cells_.size(); ++m) {
      const MetricSetup& metric = setup_.metrics[m];
      if (CountsPersons(metric.metric->math)) {
        continue;
      }
      block.ForEach(metric.filter, [&](uint32_t row) {
        const int64_t time_ms = times[row];
        if (!InRange(time_ms)) {
          return;
        }
        const size_t bucket = Bucket(time_ms);
        const double number = metric.numbers ? metric.numbers->OfRow(block.source, row) : kNoValue;
        const uint32_t id = metric.ids ? metric.ids->OfRow(block.source, row) : 0;
        setup_.breakdown->ForEach({}, block.source, row, [&](uint32_t combination) {
          cells_[m].AddRow(Slot(combination), bucket, number, id);
        });
      });
    }
  }
};

class InsightsPersons final : public PersonVisitor, public InsightsCounter {
 public:
  using InsightsCounter::InsightsCounter;

  void Visit(const PersonHits& person) override {
    ++stamp_;
    const bool nobody = person.person.IsNobody();
    if (setup_.breakdown->ReadsUsers()) {
      ids_ = setup_.breakdown->OfPerson(*setup_.scan, person.person);
    }
    for (size_t m = 0; m < cells_.size(); ++m) {
      const MetricSetup& metric = setup_.metrics[m];
      const bool persons = CountsPersons(metric.metric->math);
      if (persons ? nobody : !setup_.rows_by_person) {
        continue;
      }
      Profile profile;
      if (metric.numbers && metric.numbers->of_user()) {
        profile.number = metric.numbers->OfPerson(*setup_.scan, person.person);
      }
      if (metric.ids && metric.ids->of_user()) {
        profile.id = metric.ids->OfPerson(*setup_.scan, person.person);
      }
      for (const Hit& hit : person.hits) {
        if ((hit.mask & metric.bit) != 0) {
          Count(m, hit, profile);
        }
      }
    }
  }

 private:
  struct Profile {
    double number = kNoValue;
    uint32_t id = 0;
  };

  void Count(size_t m, const Hit& hit, const Profile& profile) {
    const MetricSetup& metric = setup_.metrics[m];
    const Math math = metric.metric->math;
    double number = profile.number;
    if (metric.numbers && !metric.numbers->of_user()) {
      number = metric.numbers->OfRow(hit.source, hit.row);
    }
    uint32_t id = profile.id;
    if (metric.ids && !metric.ids->of_user()) {
      id = metric.ids->OfRow(hit.source, hit.row);
    }
    const bool in_range = InRange(hit.time_ms);
    setup_.breakdown->ForEach(ids_, hit.source, hit.row, [&](uint32_t combination) {
      const uint32_t slot = Slot(combination);
      if (IsRolling(math)) {
        CountActive(m, slot, hit.time_ms, in_range);
      } else if (in_range && math == Math::kUnique) {
        cells_[m].AddPerson(slot, Bucket(hit.time_ms), stamp_, 1);
      } else if (in_range && math == Math::kPerUserAverage) {
        const double amount = metric.numbers ? number : 1.0;
        if (!std::isnan(amount)) {
          cells_[m].AddPerson(slot, Bucket(hit.time_ms), stamp_, amount);
        }
      } else if (in_range) {
        cells_[m].AddRow(slot, Bucket(hit.time_ms), number, id);
      }
    });
  }

  void CountActive(size_t m, uint32_t slot, int64_t time_ms, bool in_range) {
    if (in_range || setup_.ranking) {  // a trailing window is worth a segment, too
      cells_[m].AddOverall(slot, stamp_);
    }
    if (setup_.ranking) {
      return;
    }
    const RollingWindows& windows = setup_.metrics[m].windows;
    const auto low = std::upper_bound(windows.ends_ms.begin(), windows.ends_ms.end(), time_ms);
    const auto high = std::upper_bound(windows.starts_ms.begin(), windows.starts_ms.end(), time_ms);
    const size_t first = static_cast<size_t>(low - windows.ends_ms.begin());
    const size_t end = static_cast<size_t>(high - windows.starts_ms.begin());
    if (first < end) {
      cells_[m].AddActive(slot, first, end - 1, stamp_);
    }
  }

  uint64_t stamp_ = 0;
  Breakdown::PersonIds ids_{};
};

RollingWindows MakeWindows(const Buckets& buckets, const TimeZone& zone, Math math) {
  const int64_t days = math == Math::kDau ? 1 : math == Math::kWau ? 7 : 30;
  RollingWindows windows;
  for (size_t b = 0; b < buckets.size(); ++b) {
    const int64_t end_ms = buckets.end_ms(b);
    windows.ends_ms.push_back(end_ms);
    windows.starts_ms.push_back(zone.MinuteStartMs(zone.LocalMinute(end_ms) - days * 1440));
  }
  return windows;
}

template <typename Visitor>
void Combine(const std::vector<std::unique_ptr<Visitor>>& visitors, bool persons,
             const InsightsSetup& setup, std::vector<MetricCells>* cells) {
  for (const auto& visitor : visitors) {
    for (size_t m = 0; m < cells->size(); ++m) {
      const bool of_persons = setup.rows_by_person || CountsPersons(setup.metrics[m].metric->math);
      if (of_persons == persons) {
        (*cells)[m].Merge(&visitor->cells()[m]);
      }
    }
  }
}

std::vector<MetricCells> RunScans(const InsightsSetup& setup) {
  std::vector<MetricCells> cells = std::move(InsightsCounter(setup).cells());
  bool rows = false;
  bool persons = false;
  for (size_t m = 0; m < cells.size(); ++m) {
    const bool of_persons = setup.rows_by_person || CountsPersons(setup.metrics[m].metric->math);
    persons = persons || of_persons;
    rows = rows || !of_persons;
  }
  if (rows) {
    Combine(RunRows<InsightsRows>(*setup.scan, setup.context->threads,
                                  [&] { return std::make_unique<InsightsRows>(setup); }),
            false, setup, &cells);
  }
  if (persons) {
    Combine(RunPersons<InsightsPersons>(*setup.scan, setup.context->threads,
                                        [&] { return std::make_unique<InsightsPersons>(setup); }),
            true, setup, &cells);
  }
  return cells;
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
    std::vector<MetricCells> sizes = RunScans(setup);
    std::vector<double> counts;
    for (uint32_t id = 0; id < breakdown->size(); ++id) {
      counts.push_back(RankOf(&sizes, id));
    }
    setup.ranking = false;
    setup.slots = SegmentSlots::Largest(counts, report.segment_limit);
  }
  std::vector<MetricCells> cells = RunScans(setup);
  return MakeResult(setup, report, &cells);
}

}  // namespace bulkhead
