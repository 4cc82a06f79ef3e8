#include "query/retention.h"

#include <algorithm>

#include "query/breakdown.h"
#include "query/retention_criterion.h"
#include "query/retention_walk.h"
#include "store/time_scan.h"

namespace bulkhead {
namespace {

constexpr int64_t kDayMs = 86'400'000;

struct RetentionSetup {
  const RetentionReport* report = nullptr;
  RetentionPlan plan;
  const ScanContext* scan = nullptr;
  const Breakdown* breakdown = nullptr;
  SegmentSlots slots = SegmentSlots::All(1);
  bool ranking = false;
};

class RetentionVisitor final : public PersonVisitor {
 public:
  explicit RetentionVisitor(const RetentionSetup& setup)
      : setup_(setup),
        walk_(setup.plan),
        criterion_(*setup.report, setup.plan.buckets),
        width_(criterion_.size() + 1) {
    const size_t rows = setup.ranking ? 0 : setup.slots.size() * setup.plan.cohorts->size();
    counts_.assign(rows * width_, 0);
    if (setup.ranking) {
      sizes_.assign(setup.breakdown->size(), 0);
    }
  }

  void Visit(const PersonHits& person) override {
    if (setup_.breakdown->ReadsUsers()) {
      person_ids_ = setup_.breakdown->OfPerson(*setup_.scan, person.person);
    }
    walk_.Visit(person.hits, [&](size_t cohort, size_t birth, std::span<const uint32_t> reached) {
      uint32_t combination = 0;
      const Hit& hit = person.hits[birth];
      setup_.breakdown->ForEach(person_ids_, hit.source, hit.row,
                                [&](uint32_t id) { combination = id; });
      if (setup_.ranking) {
        ++sizes_[combination];
      } else {
        Count(setup_.slots.Of(combination), cohort, reached);
      }
    });
  }

  void Count(size_t slot, size_t cohort, std::span<const uint32_t> reached) {
    uint64_t* row = &counts_[(slot * setup_.plan.cohorts->size() + cohort) * width_];
    ++row[0];
    for (const uint32_t bucket : criterion_.Apply(reached)) {
      ++row[1 + bucket];
    }
  }

  void MergeInto(std::vector<uint64_t>* counts, std::vector<double>* sizes) const {
    counts->resize(std::max(counts->size(), counts_.size()));
    for (size_t i = 0; i < counts_.size(); ++i) {
      (*counts)[i] += counts_[i];
    }
    sizes->resize(std::max(sizes->size(), sizes_.size()));
    for (size_t i = 0; i < sizes_.size(); ++i) {
      (*sizes)[i] += sizes_[i];
    }
  }

 private:
  const RetentionSetup& setup_;
  RetentionWalk walk_;
  RetentionCriterion criterion_;
  size_t width_;
  Breakdown::PersonIds person_ids_{};
  std::vector<uint64_t> counts_;  // [slot][cohort][size, bucket 0, bucket 1, ...]
  std::vector<double> sizes_;
};

// Over lists of times, where the events have no conditions and there is no breakdown.
class RetentionTimes final : public TimeVisitor {
 public:
  explicit RetentionTimes(const RetentionSetup& setup)
      : setup_(setup), walk_(setup.plan), counts_(setup) {
    const std::vector<EventFilter>& filters = setup.scan->spec().filters;
    same_event_ = filters[0].event == filters[1].event;
  }

  void Visit(const PersonTimes& person) override {
    const EventTimes::List births = person.Of(0);
    if (births.times_ms.empty() || person.person().IsNobody()) {
      return;
    }
    const EventTimes::List returns = same_event_ ? births : person.Of(1);
    const bool done =
        walk_.VisitTimes(births, returns, same_event_,
                         [&](size_t cohort, size_t, std::span<const uint32_t> reached) {
                           counts_.Count(0, cohort, reached);
                         });
    if (!done) {
      ScanPerson(*setup_.scan, person.person(), counts_);
    }
  }

  void MergeInto(std::vector<uint64_t>* counts, std::vector<double>* sizes) const {
    counts_.MergeInto(counts, sizes);
  }

 private:
  const RetentionSetup& setup_;
  RetentionWalk walk_;
  RetentionVisitor counts_;
  bool same_event_ = false;
};

int64_t RollingLengthMs(const RetentionReport& report) {
  const int64_t days = report.unit == TimeUnit::kMonth  ? 30
                       : report.unit == TimeUnit::kWeek ? 7
                                                        : 1;
  return days * kDayMs * report.interval;
}

// The cohorts' buckets and as many after them as returns are counted in.
Result<Buckets> MakeCalendar(const RetentionReport& report, const TimeZone& zone) {
  const Result<int64_t> from = ParseDay(report.range.from);
  const Result<int64_t> to = ParseDay(report.range.to);
  if (!from || !to) {
    return Error{ErrorCode::kInvalid, "from, to: two dates YYYY-MM-DD expected"};
  }
  const int64_t units = int64_t{report.interval} * (report.buckets + 1);
  DateRange range = report.range;
  if (report.unit == TimeUnit::kMonth) {
    range.to = FormatDay(MonthStart(*to, units + 1) - 1);
  } else {
    range.to = FormatDay(*to + (report.unit == TimeUnit::kWeek ? 7 : 1) * (units + 1));
  }
  return Buckets::Make(range, zone, report.unit, report.interval);
}

// How many of the shown buckets of this cohort lie wholly in the past.
size_t CompleteBuckets(const RetentionPlan& plan, const RetentionCriterion& criterion,
                       size_t cohort, int64_t now_ms) {
  size_t complete = 0;
  while (complete < plan.buckets) {
    const int64_t end_ms =
        plan.calendar != nullptr
            ? plan.calendar->end_ms(cohort + complete)
            : plan.cohorts->end_ms(cohort) + static_cast<int64_t>(complete + 1) * plan.length_ms;
    if (end_ms > now_ms) {
      break;
    }
    ++complete;
  }
  size_t shown = 0;
  while (shown < criterion.size() && criterion.End(shown) <= complete) ++shown;
  return shown;
}

// Mixpanel's formula: sum(C * W) / sum(P * W) with W = P / sum(P), over the cohorts whose bucket is
// complete. A cohort is all who were born on one date, whatever their segment.
std::vector<double> Average(size_t buckets, const std::vector<RetentionCohort>& segments) {
  std::vector<RetentionCohort> cohorts;  // segments of one date follow each other
  for (const RetentionCohort& segment : segments) {
    if (cohorts.empty() || cohorts.back().date != segment.date) {
      cohorts.push_back(segment);
      continue;
    }
    cohorts.back().size += segment.size;
    for (size_t b = 0; b < segment.counts.size(); ++b) {
      cohorts.back().counts[b] += segment.counts[b];
    }
  }
  std::vector<double> average(buckets, kNoValue);
  for (size_t b = 0; b < buckets; ++b) {
    double returned = 0;
    double born = 0;
    for (const RetentionCohort& cohort : cohorts) {
      if (cohort.complete_buckets > b) {
        const double size = static_cast<double>(cohort.size);
        returned += static_cast<double>(cohort.counts[b]) * size;
        born += size * size;
      }
    }
    if (born > 0) {
      average[b] = returned / born;
    }
  }
  return average;
}

RetentionResult MakeResult(const RetentionSetup& setup, const std::vector<uint64_t>& counts,
                           int64_t now_ms) {
  const RetentionPlan& plan = setup.plan;
  const RetentionCriterion criterion(*setup.report, plan.buckets);
  const size_t cohorts = plan.cohorts->size();
  const size_t width = criterion.size() + 1;
  RetentionResult result;
  for (size_t c = 0; c < cohorts; ++c) {
    for (uint32_t slot = 0; slot < setup.slots.size(); ++slot) {
      const uint64_t* row = &counts[(slot * cohorts + c) * width];
      if (!setup.breakdown->empty() && row[0] == 0) {
        continue;
      }
      RetentionCohort cohort;
      cohort.date = plan.cohorts->labels()[c];
      cohort.is_other = setup.slots.IsOther(slot);
      if (cohort.is_other) {
        cohort.segment = {Value("$other")};
      } else if (!setup.breakdown->empty()) {
        cohort.segment = setup.breakdown->At(setup.slots.CombinationOf(slot));
      }
      cohort.size = row[0];
      cohort.counts.assign(row + 1, row + width);
      cohort.complete_buckets = CompleteBuckets(plan, criterion, c, now_ms);
      result.cohorts.push_back(std::move(cohort));
    }
  }
  result.average = Average(criterion.size(), result.cohorts);
  return result;
}

ScanSpec MakeSpec(const RetentionReport& report, const RetentionPlan& plan,
                  SharedExpression* condition) {
  ScanSpec spec;
  *condition = Both(report.born.where, report.global_where);
  spec.filters.push_back({report.born.event, report.born.where.get()});
  spec.filters.push_back({report.returning.event, report.returning.where.get()});
  spec.filters.push_back({report.born.event, condition->get()});
  spec.from_ms = plan.cohorts->from_ms();
  spec.to_ms = plan.on_or_after ? INT64_MAX
               : plan.calendar != nullptr
                   ? plan.calendar->to_ms()
                   : plan.cohorts->to_ms() + static_cast<int64_t>(plan.buckets) * plan.length_ms;
  if (report.breakdown && !report.breakdown->of_user) {
    ScanProperty(&spec, report.breakdown->name);
  }
  return spec;
}

Result<void> RunScan(const RetentionSetup& setup, int threads, std::vector<uint64_t>* counts,
                     std::vector<double>* sizes) {
  const size_t width = setup.plan.buckets + 1;
  const size_t rows = setup.slots.size() * setup.plan.cohorts->size();
  if (Result<void> fits = CheckCells(8.0 * static_cast<double>(rows * width), threads); !fits) {
    return fits;
  }
  if (setup.breakdown->empty()) {
    const auto times = TimeScan::Prepare(*setup.scan, TimeScan::Resolution::kExact);
    if (!times) {
      return times.error();
    }
    if (*times != nullptr) {
      for (const auto& visitor : RunTimes<RetentionTimes>(
               **times, threads, 0, [&] { return std::make_unique<RetentionTimes>(setup); })) {
        visitor->MergeInto(counts, sizes);
      }
      return {};
    }
  }
  for (const auto& visitor : RunPersons<RetentionVisitor>(
           *setup.scan, threads, [&] { return std::make_unique<RetentionVisitor>(setup); })) {
    visitor->MergeInto(counts, sizes);
  }
  return {};
}

}  // namespace

Result<RetentionResult> RunRetention(const ReportContext& context, const RetentionReport& report) {
  const Result<Buckets> cohorts =
      Buckets::Make(report.range, context.zone, report.unit, report.interval);
  if (!cohorts) {
    return cohorts.error();
  }
  if (report.buckets < 0 || report.buckets > 366 || report.interval > 366) {
    return Error{ErrorCode::kInvalid, "buckets: from 0 to 366 expected"};
  }
  RetentionSetup setup;
  setup.report = &report;
  setup.plan.cohorts = &*cohorts;
  setup.plan.length_ms = RollingLengthMs(report);
  setup.plan.buckets = static_cast<size_t>(report.buckets) + 1;
  setup.plan.recurring = report.birth == RetentionBirth::kRecurring;
  setup.plan.on_or_after = report.mode == RetentionMode::kOnOrAfter;
  std::optional<Buckets> calendar;
  if (report.calendar) {
    Result<Buckets> made = MakeCalendar(report, context.zone);
    if (!made) {
      return made.error();
    }
    calendar = *std::move(made);
    setup.plan.calendar = &*calendar;
  }
  SharedExpression condition;
  const Result<std::unique_ptr<ScanContext>> scan =
      ScanContext::Prepare(context.snapshot, MakeSpec(report, setup.plan, &condition));
  if (!scan) {
    return scan.error();
  }
  setup.scan = scan->get();
  std::vector<PropertyRef> properties;
  if (report.breakdown) {
    properties.push_back(*report.breakdown);
  }
  const Result<Breakdown> breakdown = Breakdown::Make(**scan, properties, false);
  if (!breakdown) {
    return breakdown.error();
  }
  setup.breakdown = &*breakdown;
  std::vector<uint64_t> counts;
  std::vector<double> sizes;
  setup.slots = SegmentSlots::All(breakdown->size());
  if (breakdown->size() > report.segment_limit) {
    setup.ranking = true;
    if (Result<void> done = RunScan(setup, context.threads, &counts, &sizes); !done) {
      return done.error();
    }
    setup.ranking = false;
    setup.slots = SegmentSlots::Largest(sizes, report.segment_limit);
  }
  if (Result<void> done = RunScan(setup, context.threads, &counts, &sizes); !done) {
    return done.error();
  }
  return MakeResult(setup, counts, context.now_ms);
}

}  // namespace bulkhead
