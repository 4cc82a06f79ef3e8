#include "query/insights_scan.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "query/quarter_table.h"
#include "query/row_counts.h"
#include "store/time_scan.h"

namespace bulkhead {
namespace {

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

  // The person whom stamp_ stands for is active at a moment.
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

  const InsightsSetup& setup_;
  std::vector<MetricCells> cells_;
  uint64_t stamp_ = 0;  // of the person at hand
};

class InsightsRows final : public RowVisitor, public InsightsCounter {
 public:
  explicit InsightsRows(const InsightsSetup& setup) : InsightsCounter(setup) {
    counts_.resize(setup.metrics.size());
    const std::vector<ValueIds>& properties = setup.breakdown->properties();
    const ValueIds* ids = properties.empty() ? nullptr : properties.data();
    const size_t buckets = setup.ranking ? 1 : setup.buckets->size();
    const bool simple = properties.size() <= 1 && (ids == nullptr || !ids->of_user()) &&
                        RowCounts::Fits(*setup.scan, ids, buckets);
    for (size_t m = 0; m < counts_.size(); ++m) {
      if (simple && setup.metrics[m].metric->math == Math::kTotal) {
        counts_[m].emplace(*setup.scan, ids, *setup.buckets, setup.ranking);
      }
    }
  }

  void Visit(const RowBlock& block) override {
    for (size_t m = 0; m < cells_.size(); ++m) {
      const MetricSetup& metric = setup_.metrics[m];
      if (counts_[m]) {
        counts_[m]->Add(block, metric.filter);
      } else if (!CountsPersons(metric.metric->math)) {
        AddRows(block, m);
      }
    }
  }

  // Brings what was counted by code into the cells.
  void Finish() {
    for (size_t m = 0; m < cells_.size(); ++m) {
      if (!counts_[m]) continue;
      counts_[m]->ForEach([&](uint32_t raw, size_t bucket, uint64_t count) {
        if (raw < ValueIds::kListFlag) {
          cells_[m].AddCount(Slot(raw), bucket, count);
          return;
        }
        for (const uint32_t id : setup_.breakdown->properties()[0].List(raw)) {
          cells_[m].AddCount(Slot(id), bucket, count);
        }
      });
    }
  }

 private:
  void AddRows(const RowBlock& block, size_t m) {
    const MetricSetup& metric = setup_.metrics[m];
    const TimeView times = setup_.scan->Times(block.source);
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

  std::vector<std::optional<RowCounts>> counts_;  // by metric
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

  Breakdown::PersonIds ids_{};
};

// Counts and persons by quarter hours: where nothing of an event is asked but its name and time.
class InsightsTimes final : public TimeVisitor, public InsightsCounter {
 public:
  InsightsTimes(const InsightsSetup& setup, QuarterTable table)
      : InsightsCounter(setup), table_(std::move(table)), persons_(setup.metrics.size()) {
    counts_.assign(setup.metrics.size(), std::vector<uint64_t>(setup.buckets->size() + 1));
  }

  static bool Suits(const InsightsSetup& setup) {
    const auto on_quarter = [](int64_t time_ms) {
      return time_ms % EventTimes::kQuarterHourMs == 0;
    };
    bool suits = setup.breakdown->empty() && !setup.rows_by_person;
    for (const MetricSetup& metric : setup.metrics) {
      const Math math = metric.metric->math;
      suits =
          suits && (math == Math::kTotal || math == Math::kUnique || IsRolling(math)) &&
          std::all_of(metric.windows.starts_ms.begin(), metric.windows.starts_ms.end(), on_quarter);
    }
    return suits;
  }

  void Visit(const PersonTimes& person) override {
    ++stamp_;
    const bool nobody = person.person().IsNobody();
    for (size_t m = 0; m < cells_.size(); ++m) {
      const Math math = setup_.metrics[m].metric->math;
      if (math == Math::kTotal || !nobody) {
        Count(m, math, person.Of(setup_.metrics[m].filter));
      }
    }
  }

  // Brings the counts into the cells.
  void Finish() {
    for (size_t m = 0; m < cells_.size(); ++m) {
      const Math math = setup_.metrics[m].metric->math;
      for (size_t b = 0; b < setup_.buckets->size() && !IsRolling(math); ++b) {
        math == Math::kTotal ? cells_[m].AddCount(0, b, counts_[m][b])
                             : cells_[m].AddPersons(0, b, counts_[m][b]);
      }
      if (math == Math::kUnique) cells_[m].AddPersons(0, setup_.buckets->size(), persons_[m]);
    }
  }

 private:
  void Count(size_t m, Math math, const EventTimes::List& list) {
    if (IsRolling(math)) {
      for (const int64_t time_ms : list.times_ms) {
        CountActive(m, 0, time_ms, InRange(time_ms));
      }
      return;
    }
    // Without a branch on the bucket: which of them comes next, nothing can predict.
    const auto outside = static_cast<uint32_t>(setup_.buckets->size());
    std::vector<uint64_t>& counts = counts_[m];
    uint32_t last = outside;
    bool any = false;
    for (size_t i = 0; i < list.times_ms.size(); ++i) {
      const uint32_t bucket = table_.Of(list.times_ms[i]);
      counts[bucket] += math == Math::kTotal ? list.counts[i] : bucket != last ? 1 : 0;
      any |= bucket != outside;
      last = bucket;
    }
    persons_[m] += any ? 1 : 0;
  }

  QuarterTable table_;
  std::vector<std::vector<uint64_t>> counts_;  // by metric: [bucket, then outside]
  std::vector<uint64_t> persons_;              // by metric
};

// What of a metric the visitors did not count is zero in them.
template <typename Visitor>
void Combine(const std::vector<std::unique_ptr<Visitor>>& visitors,
             std::vector<MetricCells>* cells) {
  for (const auto& visitor : visitors) {
    for (size_t m = 0; m < cells->size(); ++m) {
      (*cells)[m].Merge(&visitor->cells()[m]);
    }
  }
}

std::vector<MetricCells> RunBoth(const InsightsSetup& setup) {
  std::vector<MetricCells> cells = std::move(InsightsCounter(setup).cells());
  bool rows = false;
  bool persons = false;
  for (size_t m = 0; m < cells.size(); ++m) {
    const bool of_persons = setup.rows_by_person || CountsPersons(setup.metrics[m].metric->math);
    persons = persons || of_persons;
    rows = rows || !of_persons;
  }
  if (rows) {
    const auto visitors = RunRows<InsightsRows>(
        *setup.scan, setup.context->threads, [&] { return std::make_unique<InsightsRows>(setup); });
    for (const auto& visitor : visitors) visitor->Finish();
    Combine(visitors, &cells);
  }
  if (persons) {
    Combine(RunPersons<InsightsPersons>(*setup.scan, setup.context->threads,
                                        [&] { return std::make_unique<InsightsPersons>(setup); }),
            &cells);
  }
  return cells;
}

}  // namespace

Result<std::vector<MetricCells>> RunInsightsScans(const InsightsSetup& setup) {
  const size_t slots = setup.ranking ? setup.breakdown->size() : setup.slots.size();
  const size_t buckets = setup.ranking ? 1 : setup.buckets->size();
  double bytes = 0;
  for (const MetricSetup& metric : setup.metrics) {
    bytes += MetricCells::Bytes(metric.metric->math, slots, buckets);
  }
  if (Result<void> fits = CheckCells(bytes, setup.context->threads); !fits) {
    return fits.error();
  }
  const std::optional<QuarterTable> table = QuarterTable::Make(*setup.buckets);
  if (!setup.ranking && table && InsightsTimes::Suits(setup)) {
    const auto times = TimeScan::Prepare(*setup.scan, TimeScan::Resolution::kQuarterHour);
    if (!times) {
      return times.error();
    }
    if (*times != nullptr) {
      const auto visitors =
          RunTimes<InsightsTimes>(**times, setup.context->threads, std::nullopt,
                                  [&] { return std::make_unique<InsightsTimes>(setup, *table); });
      for (const auto& visitor : visitors) visitor->Finish();
      std::vector<MetricCells> cells = std::move(InsightsCounter(setup).cells());
      Combine(visitors, &cells);
      return cells;
    }
  }
  return RunBoth(setup);
}

}  // namespace bulkhead
