#include "query/funnel.h"

#include <algorithm>

#include "query/breakdown.h"
#include "query/funnel_cells.h"
#include "query/funnel_check.h"
#include "query/funnel_times.h"
#include "query/funnel_walk.h"
#include "query/percentile.h"
#include "query/sessions.h"

namespace bulkhead {
namespace {

// Entries by date order segments that nobody enters in the range as a whole, and no others.
constexpr double kBucketWeight = 1e-9;

// Everything fixed before the scan.
struct FunnelSetup {
  FunnelPlan plan;
  const FunnelReport* report = nullptr;
  const ReportContext* context = nullptr;
  const ScanContext* scan = nullptr;
  const Breakdown* breakdown = nullptr;
  SegmentSlots slots = SegmentSlots::All(1);
  std::vector<ValueIds> hold;
  std::optional<Buckets> buckets;  // of the series by date
  int64_t from_ms = 0;
  int64_t to_ms = 0;
  uint64_t entry_bits = 1;  // of the steps that may begin an attempt
  uint64_t global_bit = 0;  // 0 = no condition on the entry
  bool ranking = false;     // only count entries by segment
};

class FunnelVisitor final : public PersonVisitor {
 public:
  explicit FunnelVisitor(const FunnelSetup& setup)
      : setup_(setup),
        walk_(setup.plan),
        counted_((setup.ranking ? setup.breakdown->size() : SlotCount()) + 1, 0) {
    const size_t buckets = setup.buckets ? setup.buckets->size() : 0;
    cells_.resize(setup.ranking ? 0 : (buckets + 1) * (SlotCount() + 1));
    if (setup.ranking) {
      entries_.assign(setup.breakdown->size(), 0);
    }
  }

  void Visit(const PersonHits& person) override {
    if (setup_.breakdown->ReadsUsers()) {
      person_ids_ = setup_.breakdown->OfPerson(*setup_.scan, person.person);
    }
    ReadHeld(person.hits);
    ReadSessions(person.hits);
    if (setup_.report->count == FunnelCount::kSessions) {
      VisitSessions(person.hits, setup_.from_ms, setup_.to_ms, 0);
    } else {
      VisitRange(person.hits, setup_.from_ms, setup_.to_ms, 0);
    }
    if (!setup_.buckets) {
      return;
    }
    const Buckets& buckets = *setup_.buckets;
    for (size_t h = 0; h < person.hits.size();) {
      const Hit& hit = person.hits[h];
      if ((hit.mask & setup_.entry_bits) == 0 || hit.time_ms < buckets.from_ms() ||
          hit.time_ms >= buckets.to_ms()) {
        ++h;
        continue;
      }
      const size_t b = buckets.Of(hit.time_ms);
      if (setup_.report->count == FunnelCount::kSessions) {
        VisitSessions(person.hits, buckets.start_ms(b), buckets.end_ms(b), b + 1);
      } else {
        VisitRange(person.hits, buckets.start_ms(b), buckets.end_ms(b), b + 1);
      }
      while (h < person.hits.size() && person.hits[h].time_ms < buckets.end_ms(b)) {
        ++h;
      }
    }
  }

  void MergeInto(std::vector<FunnelCell>* cells, std::vector<double>* entries) {
    cells->resize(std::max(cells->size(), cells_.size()));
    for (size_t c = 0; c < cells_.size(); ++c) {
      (*cells)[c].TakeFrom(&cells_[c]);
    }
    entries->resize(std::max(entries->size(), entries_.size()));
    for (size_t e = 0; e < entries_.size(); ++e) {
      (*entries)[e] += entries_[e];
    }
  }

 private:
  size_t SlotCount() const { return setup_.slots.size(); }

  void ReadHeld(std::span<const Hit> hits) {
    held_.clear();
    for (const Hit& hit : hits) {
      for (const ValueIds& ids : setup_.hold) {
        held_.push_back(ids.OfRow(hit.source, hit.row));
      }
    }
  }

  void ReadSessions(std::span<const Hit> hits) {
    sessions_.clear();
    if (setup_.plan.window_sessions == 0) {
      return;
    }
    uint32_t number = 0;
    ForEachSession(hits, {&setup_.context->zone, setup_.report->session_timeout_ms},
                   [&](size_t begin, size_t end) {
                     sessions_.insert(sessions_.end(), end - begin, number++);
                   });
  }

  // Attempts that begin in the range; bucket 0 = the whole report.
  void VisitRange(std::span<const Hit> hits, int64_t from_ms, int64_t to_ms, size_t bucket) {
    ++stamp_;
    const bool uniques = setup_.report->count == FunnelCount::kUniques;
    walk_.Begin(hits, held_);
    walk_.SetSessions(sessions_);
    while (walk_.Next(from_ms, to_ms, &attempt_)) {
      Count(hits, bucket, uniques);
      if (uniques && setup_.breakdown->empty() && counted_.back() == stamp_) {
        return;
      }
    }
  }

  // None crosses the report's or a day's edge.
  void VisitSessions(std::span<const Hit> hits, int64_t from_ms, int64_t to_ms, size_t bucket) {
    ForEachSession(hits, {&setup_.context->zone, setup_.report->session_timeout_ms},
                   [&](size_t begin, size_t end) {
                     if (hits[begin].time_ms < from_ms || hits[begin].time_ms >= to_ms) return;
                     ++stamp_;
                     walk_.Begin(hits, held_);
                     walk_.Restrict(begin, end);
                     if (walk_.Next(from_ms, to_ms, &attempt_)) Count(hits, bucket, false);
                   });
  }

  void Count(std::span<const Hit> hits, size_t bucket, bool uniques) {
    const Hit& entry = hits[attempt_.hit[0]];
    const bool selected = setup_.global_bit == 0 || (entry.mask & setup_.global_bit) != 0;
    if (!selected) {
      return;
    }
    const uint32_t combination = Segment(hits);
    if (setup_.ranking) {
      if (!uniques || counted_[combination] != stamp_) {
        entries_[combination] += bucket == 0 ? 1 : kBucketWeight;
        counted_[combination] = stamp_;
      }
      return;
    }
    const size_t row = bucket * (SlotCount() + 1);
    const uint32_t slot = setup_.slots.Of(combination);
    if (!uniques || counted_.back() != stamp_) {
      AddTo(&cells_[row + SlotCount()], hits);
      counted_.back() = stamp_;
    }
    if (!setup_.breakdown->empty() && (!uniques || counted_[slot] != stamp_)) {
      AddTo(&cells_[row + slot], hits);
      counted_[slot] = stamp_;
    }
  }

  // The value of each breakdown property in this attempt, as its attribution says.
  uint32_t Segment(std::span<const Hit> hits) const {
    uint32_t combination = 0;
    const std::vector<ValueIds>& properties = setup_.breakdown->properties();
    for (size_t p = 0; p < properties.size(); ++p) {
      combination = combination * properties[p].size() + Attribute(hits, p);
    }
    return combination;
  }

  uint32_t Attribute(std::span<const Hit> hits, size_t p) const {
    const ValueIds& ids = setup_.breakdown->properties()[p];
    if (ids.of_user()) {
      return person_ids_[p];
    }
    const auto at = [&](size_t step) {
      const Hit& hit = hits[attempt_.hit[step]];
      return ids.OfRow(hit.source, hit.row);
    };
    const FunnelBreakdown& breakdown = setup_.report->breakdown[p];
    using Attribution = FunnelBreakdown::Attribution;
    if (breakdown.attribution == Attribution::kStep) {
      return breakdown.step < attempt_.reached ? at(breakdown.step) : 0;
    }
    for (size_t s = 0; s < attempt_.reached; ++s) {
      const size_t step =
          breakdown.attribution == Attribution::kFirst ? s : attempt_.reached - 1 - s;
      if (const uint32_t id = at(step); id != 0) {
        return id;
      }
    }
    return 0;
  }

  void AddTo(FunnelCell* cell, std::span<const Hit> hits) {
    times_ms_.clear();
    for (size_t s = 0; s < attempt_.reached; ++s) {
      times_ms_.push_back(hits[attempt_.hit[s]].time_ms);
    }
    // Percentiles are for the report as a whole; the series by date has averages.
    const bool keep_times = cell < cells_.data() + SlotCount() + 1;
    cell->Add(times_ms_, setup_.plan.steps, keep_times);
  }

  const FunnelSetup& setup_;
  FunnelWalk walk_;
  FunnelAttempt attempt_;
  Breakdown::PersonIds person_ids_{};
  std::vector<uint32_t> held_;
  std::vector<uint32_t> sessions_;  // by hit, where the window is one of sessions
  std::vector<int64_t> times_ms_;
  std::vector<FunnelCell> cells_;  // [bucket][slot], the last slot = overall
  std::vector<uint64_t> counted_;  // by slot: the stamp of the range that counted it last
  uint64_t stamp_ = 0;
  std::vector<double> entries_;
};

// First attempts of plain steps, over lists of times.
class FirstAttempts final : public TimeVisitor {
 public:
  static bool Suits(const FunnelSetup& setup) {
    const FunnelReport& report = *setup.report;
    const auto plain = [](const EventSelector& step) {
      return !step.event.empty() && step.where == nullptr;
    };
    return report.count == FunnelCount::kUniques && report.order == FunnelOrder::kLoose &&
           report.window_sessions == 0 && setup.breakdown->empty() && report.hold.empty() &&
           report.exclude.empty() && report.global_where == nullptr &&
           std::all_of(report.steps.begin(), report.steps.end(), plain);
  }

  explicit FirstAttempts(const FunnelSetup& setup)
      : setup_(setup),
        walk_(Events(*setup.report), setup.plan.window_ms),
        cells_((setup.buckets ? setup.buckets->size() : 0) * 2 + 2) {}

  void Visit(const PersonTimes& person) override {
    if (person.person().IsNobody()) {
      return;
    }
    walk_.Begin(person);
    Count(setup_.from_ms, setup_.to_ms, 0);
    if (!setup_.buckets) {
      return;
    }
    const Buckets& buckets = *setup_.buckets;
    int64_t done_ms = buckets.from_ms();
    for (const int64_t entry_ms : walk_.entries()) {
      if (entry_ms < done_ms || entry_ms >= buckets.to_ms()) continue;
      const size_t b = buckets.Of(entry_ms);
      done_ms = buckets.end_ms(b);
      Count(buckets.start_ms(b), done_ms, b + 1);
    }
  }

  void MergeInto(std::vector<FunnelCell>* cells) {
    cells->resize(std::max(cells->size(), cells_.size()));
    for (size_t c = 0; c < cells_.size(); ++c) {
      (*cells)[c].TakeFrom(&cells_[c]);
    }
  }

 private:
  static std::vector<std::string> Events(const FunnelReport& report) {
    std::vector<std::string> events;
    for (const EventSelector& step : report.steps) events.push_back(step.event);
    return events;
  }

  void Count(int64_t from_ms, int64_t to_ms, size_t bucket) {
    const std::span<const int64_t> times_ms = walk_.Follow(from_ms, to_ms);
    if (!times_ms.empty()) {
      cells_[bucket * 2 + 1].Add(times_ms, setup_.plan.steps, bucket == 0);
    }
  }

  const FunnelSetup& setup_;
  FunnelTimesWalk walk_;
  std::vector<FunnelCell> cells_;  // [bucket][the one slot, overall], as FunnelVisitor has them
};

Result<void> CheckReport(const FunnelReport& report) {
  if (report.steps.empty() || report.steps.size() > limits::kMaxFunnelSteps) {
    return Error{ErrorCode::kInvalid, "steps: from 1 to 64 expected"};
  }
  return CheckFunnelIsAnswered(report);
}

// `entry` keeps the expression of the condition on entries alive.
ScanSpec MakeSpec(const FunnelReport& report, FunnelSetup* setup, SharedExpression* entry) {
  ScanSpec spec;
  for (const EventSelector& step : report.steps) {
    spec.filters.push_back({step.event, step.where.get()});
  }
  for (const FunnelExclusion& exclusion : report.exclude) {
    const uint64_t bit = uint64_t{1} << spec.filters.size();
    spec.filters.push_back({exclusion.selector.event, exclusion.selector.where.get()});
    for (size_t r = exclusion.after_step + 1; r <= exclusion.before_step; ++r) {
      setup->plan.exclusions[r] |= bit;
    }
  }
  const bool any_first = report.order == FunnelOrder::kAny;
  if (any_first) {
    setup->entry_bits = (uint64_t{1} << report.steps.size()) - 1;
  }
  if (report.global_where != nullptr) {
    *entry = any_first ? report.global_where : Both(report.steps[0].where, report.global_where);
    setup->global_bit = uint64_t{1} << spec.filters.size();
    spec.filters.push_back({any_first ? "" : report.steps[0].event, entry->get()});
  }
  const bool in_sessions = report.count == FunnelCount::kSessions || report.window_sessions > 0;
  if (in_sessions || report.order == FunnelOrder::kStrict) {
    spec.filters.push_back({"", nullptr});  // every event stretches a session, or ends an attempt
  }
  for (const std::string& name : report.hold) {
    ScanProperty(&spec, name);
  }
  for (const FunnelBreakdown& breakdown : report.breakdown) {
    if (!breakdown.property.of_user) {
      ScanProperty(&spec, breakdown.property.name);
    }
  }
  const bool sessions = report.count == FunnelCount::kSessions;
  spec.from_ms = setup->from_ms - (sessions ? 0 : kFunnelGraceMs);
  spec.to_ms =
      report.window_sessions > 0 ? INT64_MAX : setup->to_ms + (sessions ? 0 : report.window_ms + 1);
  return spec;
}

FunnelTimes Times(FunnelCell* cell, size_t step, double sum_ms, bool percentiles) {
  FunnelTimes times;
  if (step == 0 || cell->counts[step] == 0) {
    return times;
  }
  times.average_s = sum_ms / 1000.0 / static_cast<double>(cell->counts[step]);
  if (percentiles && !cell->previous_s.empty()) {
    times.median_s = Percentile(&cell->previous_s[step], 50);
    times.p90_s = Percentile(&cell->previous_s[step], 90);
  }
  return times;
}

std::vector<FunnelStepResult> MakeSteps(const FunnelReport& report, FunnelCell* cell) {
  std::vector<FunnelStepResult> steps(report.steps.size());
  const auto ratio = [](uint64_t part, uint64_t of) {
    return of == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(of);
  };
  for (size_t s = 0; s < steps.size(); ++s) {
    steps[s].event = report.steps[s].event;
    if (cell->counts.empty()) {
      continue;
    }
    steps[s].count = cell->counts[s];
    steps[s].conversion = ratio(cell->counts[s], cell->counts[0]);
    steps[s].step_conversion =
        s == 0 ? steps[s].conversion : ratio(cell->counts[s], cell->counts[s - 1]);
    steps[s].from_previous = Times(cell, s, cell->previous_ms_sum[s], true);
    steps[s].from_start = Times(cell, s, cell->start_ms_sum[s], false);
  }
  return steps;
}

std::vector<FunnelSeries> MakeSeries(const FunnelSetup& setup, std::span<FunnelCell> cells) {
  std::vector<FunnelSeries> series;
  if (setup.breakdown->empty()) {
    return series;
  }
  for (uint32_t slot = 0; slot < setup.slots.size(); ++slot) {
    if (cells[slot].counts.empty()) {
      continue;
    }
    FunnelSeries one;
    one.is_other = setup.slots.IsOther(slot);
    one.segment = one.is_other
                      ? std::vector<Value>(setup.breakdown->properties().size(), Value("$other"))
                      : setup.breakdown->At(setup.slots.CombinationOf(slot));
    one.steps = MakeSteps(*setup.report, &cells[slot]);
    series.push_back(std::move(one));
  }
  std::stable_sort(series.begin(), series.end(), [](const FunnelSeries& a, const FunnelSeries& b) {
    return a.is_other != b.is_other ? b.is_other : a.steps[0].count > b.steps[0].count;
  });
  return series;
}

Result<void> RunScan(const FunnelSetup& setup, std::vector<FunnelCell>* cells,
                     std::vector<double>* entries) {
  const int threads = setup.context->threads;
  const double buckets = setup.buckets ? static_cast<double>(setup.buckets->size()) + 1 : 1;
  const double bytes =
      buckets * (setup.slots.size() + 1) *
      static_cast<double>(sizeof(FunnelCell) + setup.plan.steps * 3 * sizeof(double));
  if (Result<void> fits = CheckCells(setup.ranking ? 0 : bytes, threads); !fits) {
    return fits;
  }
  if (FirstAttempts::Suits(setup)) {
    const auto times = TimeScan::Prepare(*setup.scan, TimeScan::Resolution::kExact);
    if (!times) {
      return times.error();
    }
    if (*times != nullptr) {
      for (const auto& visitor : RunTimes<FirstAttempts>(
               **times, threads, 0, [&] { return std::make_unique<FirstAttempts>(setup); })) {
        visitor->MergeInto(cells);
      }
      return {};
    }
  }
  for (const auto& visitor : RunPersons<FunnelVisitor>(
           *setup.scan, threads, [&] { return std::make_unique<FunnelVisitor>(setup); })) {
    visitor->MergeInto(cells, entries);
  }
  return {};
}

FunnelResult MakeResult(const FunnelSetup& setup, std::vector<FunnelCell>* cells) {
  const size_t width = setup.slots.size() + 1;
  FunnelResult result;
  result.steps = MakeSteps(*setup.report, &(*cells)[width - 1]);
  result.series = MakeSeries(setup, std::span(*cells).first(width - 1));
  for (size_t b = 0; setup.buckets && b < setup.buckets->size(); ++b) {
    const std::span<FunnelCell> row = std::span(*cells).subspan((b + 1) * width, width);
    FunnelBucket bucket;
    bucket.date = setup.buckets->labels()[b];
    bucket.series.push_back({{}, false, MakeSteps(*setup.report, &row[width - 1])});
    for (FunnelSeries& series : MakeSeries(setup, row.first(width - 1))) {
      bucket.series.push_back(std::move(series));
    }
    result.buckets.push_back(std::move(bucket));
  }
  return result;
}

}  // namespace

Result<FunnelResult> RunFunnel(const ReportContext& context, const FunnelReport& report) {
  if (Result<void> checked = CheckReport(report); !checked) {
    return checked.error();
  }
  const Result<Buckets> whole = Buckets::Make(report.range, context.zone, TimeUnit::kDay, 1);
  if (!whole) {
    return whole.error();
  }
  FunnelSetup setup;
  setup.report = &report;
  setup.context = &context;
  setup.from_ms = whole->from_ms();
  setup.to_ms = whole->to_ms();
  setup.plan.steps = report.steps.size();
  setup.plan.order = report.order;
  setup.plan.window_sessions = static_cast<uint32_t>(report.window_sessions);
  setup.plan.hold = report.hold.size();
  setup.plan.window_ms =
      report.count == FunnelCount::kSessions ? kLongestSessionMs : report.window_ms;
  if (report.unit) {
    Result<Buckets> buckets =
        Buckets::Make(report.range, context.zone, *report.unit, report.interval);
    if (!buckets) {
      return buckets.error();
    }
    setup.buckets = *std::move(buckets);
  }
  SharedExpression entry;
  const Result<std::unique_ptr<ScanContext>> scan =
      ScanContext::Prepare(context.snapshot, MakeSpec(report, &setup, &entry));
  if (!scan) {
    return scan.error();
  }
  setup.scan = scan->get();
  for (const std::string& name : report.hold) {
    PropertyRef property;
    property.name = name;
    setup.hold.push_back(ValueIds::Make(**scan, property, false));
  }
  std::vector<PropertyRef> properties;
  for (const FunnelBreakdown& breakdown : report.breakdown) {
    properties.push_back(breakdown.property);
  }
  const Result<Breakdown> breakdown = Breakdown::Make(**scan, properties, false);
  if (!breakdown) {
    return breakdown.error();
  }
  setup.breakdown = &*breakdown;
  std::vector<FunnelCell> cells;
  std::vector<double> entries;
  if (breakdown->size() > report.segment_limit) {
    setup.ranking = true;
    if (Result<void> done = RunScan(setup, &cells, &entries); !done) {
      return done.error();
    }
    setup.ranking = false;
    setup.slots = SegmentSlots::Largest(entries, report.segment_limit);
  } else {
    setup.slots = SegmentSlots::All(breakdown->size());
  }
  if (Result<void> done = RunScan(setup, &cells, &entries); !done) {
    return done.error();
  }
  return MakeResult(setup, &cells);
}

}  // namespace bulkhead
