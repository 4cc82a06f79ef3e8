#include "store/time_scan.h"

#include <algorithm>
#include <map>

#include "store/parallel.h"
#include "store/person_range.h"
#include "store/row_test.h"
#include "store/scan_plan.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxReplaced = 500;  // persons read row by row; each costs some microseconds
constexpr uint32_t kMaxEventCode = 1 << 18;  // the cache has no more places

// The part of a list within [from, to).
EventTimes::List Clip(EventTimes::List list, int64_t from_ms, int64_t to_ms) {
  const auto begin = list.times_ms.begin();
  const auto first = std::lower_bound(begin, list.times_ms.end(), from_ms);
  const auto last = std::lower_bound(first, list.times_ms.end(), to_ms);
  const auto at = static_cast<size_t>(first - begin);
  const auto count = static_cast<size_t>(last - first);
  list.times_ms = list.times_ms.subspan(at, count);
  if (!list.counts.empty()) list.counts = list.counts.subspan(at, count);
  if (!list.rows.empty()) list.rows = list.rows.subspan(at, count);
  return list;
}

}  // namespace

PersonTimes::PersonTimes(const TimeScan& scan)
    : scan_(&scan),
      filters_(scan.context_.spec().filters.size()),
      hints_(scan.sources_.size() * filters_, 0),
      combined_(filters_) {}

void PersonTimes::BeginAlone(const SubjectId& person, const Place& place) {
  const TimeScan::Source& source = scan_->sources_[place.source];
  person_ = person;
  ordinal_ = place.ordinal;
  lists_ = source.clip ? nullptr : source.lists.data();
  places_.assign(1, place);
}

void PersonTimes::Begin(const SubjectId& person) {
  person_ = person;
  lists_ = nullptr;
  places_.clear();
}

void PersonTimes::BeginOwned(const SubjectId& person, std::span<const Hit> hits) {
  Begin(person);
  for (OwnedList& list : combined_) list = {};
  for (const Hit& hit : hits) {
    const bool exact = scan_->resolution_ == TimeScan::Resolution::kExact;
    const int64_t time_ms = exact ? hit.time_ms : EventTimes::QuarterHourOf(hit.time_ms);
    for (uint64_t mask = hit.mask; mask != 0; mask &= mask - 1) {
      OwnedList& list = combined_[static_cast<size_t>(__builtin_ctzll(mask))];
      if (exact || list.times_ms.empty() || list.times_ms.back() != time_ms) {
        list.times_ms.push_back(time_ms);
        if (!exact) list.counts.push_back(0);
      }
      if (!exact) ++list.counts.back();
    }
  }
}

EventTimes::List PersonTimes::Search(size_t filter) const {
  if (places_.empty()) return combined_[filter].view();
  return places_.size() == 1 ? In(places_[0], filter) : Combine(filter);
}

EventTimes::List PersonTimes::In(const Place& place, size_t filter) const {
  const TimeScan::Source& source = scan_->sources_[place.source];
  const EventTimes* lists = source.lists[filter].get();
  if (lists == nullptr) return {};
  const EventTimes::List list = lists->Of(place.ordinal, &hints_[place.source * filters_ + filter]);
  if (!source.clip) return list;
  const ScanSpec& spec = scan_->context_.spec();
  return Clip(list, spec.from_ms, spec.to_ms);
}

EventTimes::List PersonTimes::Combine(size_t filter) const {
  OwnedList& combined = combined_[filter];
  combined = {};
  EventTimes::List only;
  size_t found = 0;
  for (const Place& place : places_) {
    const EventTimes::List list = In(place, filter);
    if (list.times_ms.empty()) continue;
    if (++found == 1) {
      only = list;
      continue;
    }
    if (found == 2) MergeInto(only, &combined);
    MergeInto(list, &combined);
  }
  return found < 2 ? only : combined.view();
}

// Merges two ascending lists; quarter hours of both become one.
void PersonTimes::MergeInto(const EventTimes::List& more, OwnedList* list) {
  OwnedList merged;
  const EventTimes::List old = list->view();
  const bool counted = !old.counts.empty() || !more.counts.empty();
  size_t i = 0;
  size_t k = 0;
  while (i < old.times_ms.size() || k < more.times_ms.size()) {
    const bool from_old = k == more.times_ms.size() ||
                          (i < old.times_ms.size() && old.times_ms[i] <= more.times_ms[k]);
    const int64_t time_ms = from_old ? old.times_ms[i] : more.times_ms[k];
    if (counted) {
      const uint32_t count = from_old ? old.counts[i] : more.counts[k];
      if (!merged.times_ms.empty() && merged.times_ms.back() == time_ms) {
        merged.counts.back() += count;
      } else {
        merged.times_ms.push_back(time_ms);
        merged.counts.push_back(count);
      }
    } else {
      merged.times_ms.push_back(time_ms);
    }
    ++(from_old ? i : k);
  }
  *list = std::move(merged);
}

// A person's times out of rows, for those of whom some are dead.
class TimeScan::FromHits final : public PersonVisitor {
 public:
  FromHits(const TimeScan& scan, TimeVisitor* visitor) : times_(scan), visitor_(*visitor) {}

  void Visit(const PersonHits& person) override {
    times_.BeginOwned(person.person, person.hits);
    visitor_.Visit(times_);
  }

 private:
  PersonTimes times_;
  TimeVisitor& visitor_;
};

// One range of person ids.
class TimeScan::Part {
 public:
  Part(const TimeScan& scan, TimeVisitor* visitor, std::optional<size_t> required)
      : scan_(scan), visitor_(*visitor), required_(required), person_(scan) {}

  void Run(const PersonRange& range) {
    const std::vector<SourcePlan>& plans = scan_.context_.impl().sources;
    for (uint32_t source = 0; source < plans.size(); ++source) {
      if (plans[source].wanted.empty()) continue;
      AddInPlace(source, range);
      AddMoved(source, range);
    }
    while (heads_.size() > 1) Step();
    if (!heads_.empty()) RunAlone(heads_[0]);
    RunReplaced(range);
  }

 private:
  // Ordinals of one source ahead, or the runs of devices linked to users.
  struct Head {
    uint32_t source = 0;
    uint32_t at = 0;
    uint32_t end = 0;
    std::span<const uint32_t> skipped;
    std::span<const MovedRun> runs;
    bool moved = false;
    SubjectId id;
    uint64_t prefix = 0;
  };

  const SourcePlan& Plan(const Head& head) const {
    return scan_.context_.impl().sources[head.source];
  }

  void AddInPlace(uint32_t source, const PersonRange& range) {
    const Segment::PersonTable& persons = scan_.context_.impl().sources[source].persons;
    Head head;
    head.source = source;
    head.at = persons.LowerBound(range.first);
    head.end =
        range.to_end ? static_cast<uint32_t>(persons.ids.size()) : persons.LowerBound(range.last);
    head.skipped = scan_.sources_[source].skipped;
    const auto skip = std::lower_bound(head.skipped.begin(), head.skipped.end(), head.at);
    head.skipped = head.skipped.subspan(static_cast<size_t>(skip - head.skipped.begin()));
    if (Settle(&head)) heads_.push_back(head);
  }

  void AddMoved(uint32_t source, const PersonRange& range) {
    const SourcePlan& plan = scan_.context_.impl().sources[source];
    if (plan.state.moved == nullptr) return;
    Head head;
    head.source = source;
    head.moved = true;
    head.runs = RunsIn(*plan.state.moved, range);
    if (Settle(&head)) heads_.push_back(head);
  }

  // Passes over what is skipped and reads the id; false at the end.
  bool Settle(Head* head) const {
    if (head->moved) {
      while (!head->runs.empty() && IsReplaced(head->runs.front().user)) {
        head->runs = head->runs.subspan(1);
      }
      if (head->runs.empty()) return false;
      head->id = head->runs.front().user;
    } else {
      while (!head->skipped.empty() && head->skipped.front() == head->at) {
        head->skipped = head->skipped.subspan(1);
        ++head->at;
      }
      if (head->at >= head->end) return false;
      head->id = Plan(*head).persons.ids[head->at];
    }
    head->prefix = head->id.Prefix();
    return true;
  }

  bool IsReplaced(const SubjectId& id) const {
    return std::binary_search(scan_.replaced_.begin(), scan_.replaced_.end(), id);
  }

  // Past the head's person; false at the end.
  bool Take(Head* head) {
    if (head->moved) {
      person_.Add({head->source, head->runs.front().person});
      head->runs = head->runs.subspan(1);
    } else {
      person_.Add({head->source, head->at++});
    }
    return Settle(head);
  }

  // The least person of all heads.
  void Step() {
    size_t least = 0;
    for (size_t i = 1; i < heads_.size(); ++i) {
      if (heads_[i].prefix < heads_[least].prefix ||
          (heads_[i].prefix == heads_[least].prefix && heads_[i].id < heads_[least].id)) {
        least = i;
      }
    }
    const SubjectId id = heads_[least].id;
    person_.Begin(id);
    for (size_t i = least; i < heads_.size();) {
      bool there = true;
      while (there && heads_[i].id == id) there = Take(&heads_[i]);
      if (there) {
        ++i;
      } else {
        heads_.erase(heads_.begin() + static_cast<ptrdiff_t>(i));
      }
    }
    visitor_.Visit(person_);
  }

  void RunAlone(Head head) {
    if (!head.moved) {
      RunInPlace(head);
      return;
    }
    for (bool there = true; there;) {
      const SubjectId id = head.id;
      person_.Begin(id);
      do {
        there = Take(&head);
      } while (there && head.id == id);
      visitor_.Visit(person_);
    }
  }

  void RunInPlace(const Head& head) {
    const EventTimes* required =
        required_ ? scan_.sources_[head.source].lists[*required_].get() : nullptr;
    if (required_ && required == nullptr) return;
    const std::span<const SubjectId> ids = Plan(head).persons.ids;
    std::span<const uint32_t> skipped = head.skipped;
    const auto visit = [&](uint32_t ordinal) {
      while (!skipped.empty() && skipped.front() < ordinal) skipped = skipped.subspan(1);
      if (!skipped.empty() && skipped.front() == ordinal) return;
      person_.BeginAlone(ids[ordinal], {head.source, ordinal});
      visitor_.Visit(person_);
    };
    if (required == nullptr || required->dense()) {
      for (uint32_t ordinal = head.at; ordinal < head.end; ++ordinal) {
        if (required == nullptr || required->Any(ordinal)) visit(ordinal);
      }
      return;
    }
    const std::span<const uint32_t> with = required->persons();
    for (auto at = std::lower_bound(with.begin(), with.end(), head.at);
         at != with.end() && *at < head.end; ++at) {
      visit(*at);
    }
  }

  void RunReplaced(const PersonRange& range) {
    if (scan_.replaced_.empty()) return;
    FromHits person(scan_, &visitor_);
    auto at = std::lower_bound(scan_.replaced_.begin(), scan_.replaced_.end(), range.first);
    for (; at != scan_.replaced_.end() && !range.Ends(*at); ++at) {
      ScanPerson(scan_.context_, *at, person);
    }
  }

  const TimeScan& scan_;
  TimeVisitor& visitor_;
  std::optional<size_t> required_;
  PersonTimes person_;
  std::vector<Head> heads_;  // by source; those of one source follow each other
};

// False: too many.
bool TimeScan::FindReplaced() {
  const std::vector<SourcePlan>& plans = context_.impl().sources;
  uint32_t dead_rows = 0;
  for (const SourcePlan& plan : plans) {
    dead_rows += plan.state.dead != nullptr ? plan.state.dead->count() : 0;
  }
  if (dead_rows > kMaxReplaced * 16) return false;
  for (const SourcePlan& plan : plans) {
    if (plan.state.dead == nullptr) continue;
    const std::span<const uint64_t> words = plan.state.dead->words();
    for (size_t i = 0; i < words.size(); ++i) {
      for (uint64_t word = words[i]; word != 0; word &= word - 1) {
        const auto row =
            static_cast<uint32_t>(i * 64) + static_cast<uint32_t>(__builtin_ctzll(word));
        replaced_.push_back(context_.snapshot().Canonical(PersonIn(plan, row)));
      }
    }
  }
  std::sort(replaced_.begin(), replaced_.end());
  replaced_.erase(std::unique(replaced_.begin(), replaced_.end()), replaced_.end());
  if (replaced_.size() > kMaxReplaced) return false;
  for (size_t s = 0; s < plans.size(); ++s) {
    std::vector<uint32_t>& skipped = sources_[s].skipped;
    if (plans[s].state.moved != nullptr) {
      const std::span<const uint32_t> moved = plans[s].state.moved->persons();
      skipped.assign(moved.begin(), moved.end());
    }
    for (const SubjectId& id : replaced_) {
      if (const std::optional<uint32_t> at = plans[s].persons.Find(id)) skipped.push_back(*at);
    }
    std::sort(skipped.begin(), skipped.end());
    skipped.erase(std::unique(skipped.begin(), skipped.end()), skipped.end());
  }
  return true;
}

Result<void> TimeScan::LoadLists(int threads) {
  struct Wanted {
    size_t source;
    uint32_t event;
    std::shared_ptr<const EventTimes> lists;
  };
  const std::vector<SourcePlan>& plans = context_.impl().sources;
  const std::vector<EventFilter>& filters = context_.spec().filters;
  std::vector<Wanted> wanted;
  std::map<std::pair<size_t, uint32_t>, size_t> places;
  const auto code_of = [&](size_t source, size_t filter) {
    return filters[filter].event.empty() ? EventTimes::kAnyEvent
                                         : plans[source].names->FindString(filters[filter].event);
  };
  const auto absent = [&](size_t source, size_t filter) {
    return plans[source].wanted.empty() ||
           (!filters[filter].event.empty() && code_of(source, filter) == 0);
  };
  for (size_t s = 0; s < plans.size(); ++s) {
    for (size_t f = 0; f < filters.size(); ++f) {
      if (absent(s, f)) continue;
      const uint32_t event = code_of(s, f);
      if (event >= kMaxEventCode) return Error{ErrorCode::kLimit, "too many event names"};
      if (places.try_emplace({s, event}, wanted.size()).second) wanted.push_back({s, event, {}});
    }
  }
  std::vector<Result<void>> results(wanted.size());
  RunParallel(wanted.size(), threads, [&](size_t i) {
    auto lists = plans[wanted[i].source].state.segment->EventTimesOf(wanted[i].event, resolution_);
    if (lists) {
      wanted[i].lists = *std::move(lists);
    } else {
      results[i] = lists.error();
    }
  });
  for (const Result<void>& result : results) {
    if (!result) return result;
  }
  for (size_t s = 0; s < plans.size(); ++s) {
    for (size_t f = 0; f < filters.size(); ++f) {
      sources_[s].lists.push_back(absent(s, f) ? nullptr
                                               : wanted[places.at({s, code_of(s, f)})].lists);
    }
  }
  return {};
}

Result<std::unique_ptr<TimeScan>> TimeScan::Prepare(const ScanContext& context,
                                                    Resolution resolution) {
  std::unique_ptr<TimeScan> scan(new TimeScan(context, resolution));
  const ScanSpec& spec = context.spec();
  const auto on_quarter = [](int64_t time_ms) {
    return time_ms == INT64_MIN || time_ms == INT64_MAX ||
           time_ms % EventTimes::kQuarterHourMs == 0;
  };
  const bool plain = std::all_of(spec.filters.begin(), spec.filters.end(),
                                 [](const EventFilter& filter) { return filter.where == nullptr; });
  scan->sources_.resize(context.sources());
  for (size_t s = 0; s < scan->sources_.size(); ++s) {
    scan->sources_[s].clip = context.impl().sources[s].check_times;
  }
  if (!plain ||
      (resolution == Resolution::kQuarterHour &&
       (!on_quarter(spec.from_ms) || !on_quarter(spec.to_ms))) ||
      !scan->FindReplaced()) {
    return std::unique_ptr<TimeScan>();
  }
  if (Result<void> loaded = scan->LoadLists(2); !loaded) return loaded.error();
  return scan;
}

void TimeScan::Run(std::span<TimeVisitor* const> visitors, std::optional<size_t> required) const {
  const size_t parts = std::max(context_.tasks(), visitors.size());
  RunDealt(parts, static_cast<int>(visitors.size()), [&](size_t worker, size_t part) {
    Part(*this, visitors[worker], required).Run(PersonRange::Part(part, parts));
  });
}

}  // namespace bulkhead
