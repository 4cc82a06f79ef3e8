#include "query/lifecycle.h"

#include <algorithm>

namespace bulkhead {
namespace {

constexpr int64_t kWeekDays = 7;

// Whole units that hold the range, and the one before them.
Result<Buckets> WholeUnits(const LifecycleReport& report, const TimeZone& zone) {
  const Result<int64_t> from = ParseDay(report.range.from);
  const Result<int64_t> to = ParseDay(report.range.to);
  if (!from || !to) {
    return Error{ErrorCode::kInvalid, "from, to: two dates YYYY-MM-DD expected"};
  }
  DateRange range = report.range;
  switch (report.unit) {
    case TimeUnit::kDay:
      range.from = FormatDay(*from - 1);
      break;
    case TimeUnit::kWeek:
      range.from = FormatDay(WeekStart(*from) - kWeekDays);
      range.to = FormatDay(WeekStart(*to) + kWeekDays - 1);
      break;
    case TimeUnit::kMonth:
      range.from = FormatDay(MonthStart(*from, -1));
      range.to = FormatDay(MonthStart(*to, 1) - 1);
      break;
    default:
      return Error{ErrorCode::kInvalid, "unit: day, week or month expected"};
  }
  return Buckets::Make(range, zone, report.unit, 1);
}

// The 0th bucket is the one before the first that is shown.
class LifecycleVisitor final : public PersonVisitor {
 public:
  explicit LifecycleVisitor(const Buckets& buckets)
      : buckets_(&buckets), active_(buckets.size(), 0), counts_(buckets.size()) {}

  void Visit(const PersonHits& person) override {
    std::ranges::fill(active_, uint8_t{0});
    bool before = false;  // active before the bucket that is looked at
    for (const Hit& hit : person.hits) {
      if (hit.time_ms < buckets_->from_ms()) {
        before = true;
      } else {
        active_[buckets_->Of(hit.time_ms)] = 1;
      }
    }
    for (size_t b = 0; b < active_.size(); ++b) {
      const bool active = active_[b] != 0;
      const bool last = b > 0 && active_[b - 1] != 0;
      LifecycleBucket& counts = counts_[b];
      counts.fresh += active && !before ? 1 : 0;
      counts.returning += active && last ? 1 : 0;
      counts.resurrecting += active && before && !last ? 1 : 0;
      counts.dormant += !active && last ? 1 : 0;
      before = before || active;
    }
  }

  void MergeInto(std::vector<LifecycleBucket>* counts) const {
    for (size_t b = 0; b < counts_.size(); ++b) {
      (*counts)[b].fresh += counts_[b].fresh;
      (*counts)[b].returning += counts_[b].returning;
      (*counts)[b].resurrecting += counts_[b].resurrecting;
      (*counts)[b].dormant += counts_[b].dormant;
    }
  }

 private:
  const Buckets* buckets_;
  std::vector<uint8_t> active_;
  std::vector<LifecycleBucket> counts_;
};

}  // namespace

Result<LifecycleResult> RunLifecycle(const ReportContext& context, const LifecycleReport& report) {
  const Result<Buckets> buckets = WholeUnits(report, context.zone);
  if (!buckets) {
    return buckets.error();
  }
  ScanSpec spec;
  spec.filters.push_back({report.selector.event, report.selector.where.get()});
  spec.to_ms = buckets->to_ms();
  const Result<std::unique_ptr<ScanContext>> scan = ScanContext::Prepare(context.snapshot, spec);
  if (!scan) {
    return scan.error();
  }
  std::vector<LifecycleBucket> counts(buckets->size());
  for (const auto& visitor : RunPersons<LifecycleVisitor>(
           **scan, context.threads, [&] { return std::make_unique<LifecycleVisitor>(*buckets); })) {
    visitor->MergeInto(&counts);
  }
  for (size_t b = 0; b < counts.size(); ++b) {
    counts[b].date = buckets->labels()[b];
    counts[b].complete = buckets->end_ms(b) <= context.now_ms;
  }
  counts.erase(counts.begin());
  return LifecycleResult{std::move(counts)};
}

}  // namespace bulkhead
