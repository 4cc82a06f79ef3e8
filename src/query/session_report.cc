#include "query/session_report.h"

#include <algorithm>

#include "query/breakdown.h"
#include "query/percentile.h"
#include "query/sessions.h"

namespace bulkhead {
namespace {

// Bits of a hit's mask; the lowest is set for every event.
constexpr uint64_t kWhere = 2;  // the condition on a session's first event holds
constexpr uint64_t kFirstExclusion = 4;

// Everything fixed before the scan.
struct SessionsSetup {
  const SessionsReport* report = nullptr;
  const ReportContext* context = nullptr;
  const ScanContext* scan = nullptr;
  const Breakdown* breakdown = nullptr;
  const Buckets* buckets = nullptr;
  SegmentSlots slots = SegmentSlots::All(1);
  bool ranking = false;  // only count sessions by combination
};

struct SessionCell {
  uint64_t sessions = 0;
  uint64_t people = 0;
  uint64_t events = 0;
  int64_t length_ms = 0;
  uint64_t last_person = 0;  // who was counted last, by number

  void Add(uint64_t person, int64_t session_ms, size_t session_events) {
    ++sessions;
    people += last_person == person ? 0 : 1;
    last_person = person;
    events += session_events;
    length_ms += session_ms;
  }
};

class SessionsVisitor final : public PersonVisitor {
 public:
  explicit SessionsVisitor(const SessionsSetup& setup) : setup_(setup) {
    if (setup.ranking) {
      sessions_.assign(setup.breakdown->size(), 0);
      return;
    }
    cells_.resize(setup.slots.size() * Width());
    lengths_ms_.resize(setup.slots.size());
  }

  void Visit(const PersonHits& person) override {
    ++person_;
    if (setup_.breakdown->ReadsUsers()) {
      person_ids_ = setup_.breakdown->OfPerson(*setup_.scan, person.person);
    }
    counted_.clear();
    for (const Hit& hit : person.hits) {
      if (hit.mask < kFirstExclusion) counted_.push_back(hit);
    }
    ForEachSession(
        counted_, {&setup_.context->zone, setup_.report->timeout_ms},
        [&](size_t begin, size_t end) { Count(std::span(counted_).subspan(begin, end - begin)); });
  }

  void MergeInto(std::vector<SessionCell>* cells, std::vector<std::vector<int32_t>>* lengths_ms,
                 std::vector<double>* sessions) const {
    cells->resize(std::max(cells->size(), cells_.size()));
    for (size_t c = 0; c < cells_.size(); ++c) {
      (*cells)[c].sessions += cells_[c].sessions;
      (*cells)[c].people += cells_[c].people;
      (*cells)[c].events += cells_[c].events;
      (*cells)[c].length_ms += cells_[c].length_ms;
    }
    lengths_ms->resize(std::max(lengths_ms->size(), lengths_ms_.size()));
    for (size_t s = 0; s < lengths_ms_.size(); ++s) {
      (*lengths_ms)[s].insert((*lengths_ms)[s].end(), lengths_ms_[s].begin(), lengths_ms_[s].end());
    }
    sessions->resize(std::max(sessions->size(), sessions_.size()));
    for (size_t s = 0; s < sessions_.size(); ++s) (*sessions)[s] += sessions_[s];
  }

 private:
  // A segment's buckets, and the whole range behind them.
  [[nodiscard]] size_t Width() const { return setup_.buckets->size() + 1; }

  void Count(std::span<const Hit> session) {
    const Hit& first = session.front();
    if ((first.mask & kWhere) == 0) {
      return;
    }
    uint32_t combination = 0;
    setup_.breakdown->ForEach(person_ids_, first.source, first.row,
                              [&](uint32_t id) { combination = id; });
    if (setup_.ranking) {
      ++sessions_[combination];
      return;
    }
    const size_t slot = setup_.slots.Of(combination);
    const int64_t length_ms = session.back().time_ms - first.time_ms;
    SessionCell* row = &cells_[slot * Width()];
    row[setup_.buckets->Of(first.time_ms)].Add(person_, length_ms, session.size());
    row[setup_.buckets->size()].Add(person_, length_ms, session.size());
    lengths_ms_[slot].push_back(static_cast<int32_t>(length_ms));
  }

  const SessionsSetup& setup_;
  Breakdown::PersonIds person_ids_{};
  uint64_t person_ = 0;
  std::vector<Hit> counted_;
  std::vector<SessionCell> cells_;                // [slot][bucket, at last the whole range]
  std::vector<std::vector<int32_t>> lengths_ms_;  // [slot]
  std::vector<double> sessions_;                  // [combination], while ranking
};

SessionNumbers NumbersOf(const SessionCell& cell) {
  SessionNumbers numbers{cell.sessions, cell.people};
  if (cell.sessions > 0) {
    const auto sessions = static_cast<double>(cell.sessions);
    numbers.average_s = static_cast<double>(cell.length_ms) / 1000 / sessions;
    numbers.average_events = static_cast<double>(cell.events) / sessions;
  }
  return numbers;
}

SessionsResult MakeResult(const SessionsSetup& setup, const std::vector<SessionCell>& cells,
                          std::vector<std::vector<int32_t>>* lengths_ms) {
  SessionsResult result;
  result.dates = setup.buckets->labels();
  const size_t buckets = setup.buckets->size();
  for (uint32_t slot = 0; slot < setup.slots.size(); ++slot) {
    const SessionCell* row = &cells[slot * (buckets + 1)];
    if (!setup.breakdown->empty() && row[buckets].sessions == 0) {
      continue;
    }
    SessionsSeries& series = result.series.emplace_back();
    series.is_other = setup.slots.IsOther(slot);
    if (!setup.breakdown->empty()) {
      series.segment = series.is_other
                           ? std::vector<Value>(setup.report->breakdown.size(), Value("$other"))
                           : setup.breakdown->At(setup.slots.CombinationOf(slot));
    }
    for (size_t b = 0; b < buckets; ++b) series.buckets.push_back(NumbersOf(row[b]));
    series.overall = NumbersOf(row[buckets]);
    series.median_s = Percentile(&(*lengths_ms)[slot], 50) / 1000;
    series.p90_s = Percentile(&(*lengths_ms)[slot], 90) / 1000;
  }
  std::ranges::stable_sort(result.series, [](const SessionsSeries& a, const SessionsSeries& b) {
    return a.is_other != b.is_other ? b.is_other : a.overall.sessions > b.overall.sessions;
  });
  return result;
}

ScanSpec MakeSpec(const SessionsReport& report, const Buckets& buckets) {
  ScanSpec spec;
  spec.filters.push_back({"", nullptr});
  spec.filters.push_back({"", report.where.get()});
  for (const EventSelector& excluded : report.exclude) {
    spec.filters.push_back({excluded.event, excluded.where.get()});
  }
  for (const PropertyRef& property : report.breakdown) {
    if (!property.of_user) ScanProperty(&spec, property.name);
  }
  // Sessions end at midnight: none reaches over an edge of the range.
  spec.from_ms = buckets.from_ms();
  spec.to_ms = buckets.to_ms();
  return spec;
}

Result<void> RunScan(const SessionsSetup& setup, std::vector<SessionCell>* cells,
                     std::vector<std::vector<int32_t>>* lengths_ms, std::vector<double>* sessions) {
  const double all =
      static_cast<double>(setup.slots.size()) * static_cast<double>(setup.buckets->size() + 1);
  const double bytes = setup.ranking ? 8.0 * setup.breakdown->size() : all * sizeof(SessionCell);
  if (Result<void> fits = CheckCells(bytes, setup.context->threads); !fits) {
    return fits;
  }
  for (const auto& visitor : RunPersons<SessionsVisitor>(*setup.scan, setup.context->threads, [&] {
         return std::make_unique<SessionsVisitor>(setup);
       })) {
    visitor->MergeInto(cells, lengths_ms, sessions);
  }
  return {};
}

}  // namespace

Result<SessionsResult> RunSessions(const ReportContext& context, const SessionsReport& report) {
  const Result<Buckets> buckets =
      Buckets::Make(report.range, context.zone, report.unit, report.interval);
  if (!buckets) {
    return buckets.error();
  }
  if (report.exclude.size() > kMaxSessionExclusions) {
    return Error{ErrorCode::kInvalid, "exclude: at most 16 entries"};
  }
  const Result<std::unique_ptr<ScanContext>> scan =
      ScanContext::Prepare(context.snapshot, MakeSpec(report, *buckets));
  if (!scan) {
    return scan.error();
  }
  const Result<Breakdown> breakdown = Breakdown::Make(**scan, report.breakdown, false);
  if (!breakdown) {
    return breakdown.error();
  }
  SessionsSetup setup;
  setup.report = &report;
  setup.context = &context;
  setup.scan = scan->get();
  setup.breakdown = &*breakdown;
  setup.buckets = &*buckets;
  setup.slots = SegmentSlots::All(breakdown->size());
  std::vector<SessionCell> cells;
  std::vector<std::vector<int32_t>> lengths_ms;
  std::vector<double> sessions;
  if (breakdown->size() > report.segment_limit) {
    setup.ranking = true;
    if (Result<void> done = RunScan(setup, &cells, &lengths_ms, &sessions); !done) {
      return done.error();
    }
    setup.ranking = false;
    setup.slots = SegmentSlots::Largest(sessions, report.segment_limit);
  }
  if (Result<void> done = RunScan(setup, &cells, &lengths_ms, &sessions); !done) {
    return done.error();
  }
  return MakeResult(setup, cells, &lengths_ms);
}

}  // namespace bulkhead
