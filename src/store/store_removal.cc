// Erasure and retention: rows die in memory first, so that nobody sees them any more; then every
// segment that holds some is rewritten without them. What is due is marked in the manifest, so that
// it goes on after a crash.
#include <algorithm>
#include <set>

#include "store/store_impl.h"

namespace bulkhead {
namespace {

// Runs of rows that have expired.
Result<std::vector<RowRun>> FindExpired(const Segment& segment, const RetentionCutoffs& cutoffs) {
  std::vector<RowRun> runs;
  const Result<std::shared_ptr<const Dictionary>> names = segment.DictionaryOf(kEventColumn);
  if (!names) return names.error();
  std::vector<int64_t> cutoff_of(1, RetentionCutoffs::kNever);
  int64_t latest = RetentionCutoffs::kNever;
  for (uint32_t code = 1; code <= (*names)->size(); ++code) {
    cutoff_of.push_back(cutoffs.Of((*names)->String(code)));
    latest = std::max(latest, cutoff_of.back());
  }
  if (segment.info().first_ms >= latest) {
    return runs;
  }
  const Result<Segment::Codes> events = segment.CodesOf(kEventColumn);
  if (!events) return events.error();
  const Result<std::shared_ptr<const TimeArray>> times = segment.Times();
  if (!times) return times.error();
  const CodeView codes = (*events)->view();
  const TimeView view = (*times)->view();
  for (uint32_t row = 0; row < segment.info().rows; ++row) {
    if (view[row] >= cutoff_of[codes[row]]) {
      continue;
    }
    if (!runs.empty() && runs.back().first + runs.back().count == row) {
      ++runs.back().count;
    } else {
      runs.push_back({row, 1});
    }
  }
  return runs;
}

}  // namespace

// The result is how many of them were alive.
uint64_t Store::Impl::KillRuns(Source* source, std::span<const RowRun> runs) {
  const uint32_t before = source->dead ? source->dead->count() : 0;
  for (const RowRun& run : runs) {
    for (uint32_t row = run.first; row < run.first + run.count; ++row) {
      Kill(source, row);
    }
  }
  // Also where all were dead already: they are in the file until it is rewritten.
  source->purge_due = source->purge_due || (!runs.empty() && source->segment->on_disk());
  return (source->dead ? source->dead->count() : 0) - before;
}

Result<void> Store::Impl::KillSubjects(std::span<const SubjectId> people) {
  SealPending();
  std::set<SubjectId> all;
  for (const SubjectId& person : people) {
    const SubjectId user = links_.Canonical(person);
    all.insert(user);
    for (const SubjectId& device : links_.LinkedDevices(user)) all.insert(device);
  }
  const std::vector<SubjectId> ids(all.begin(), all.end());
  std::vector<RowRun> runs;
  for (Source& source : sources_) {
    const Result<const Segment::PersonTable*> table = source.segment->Persons();
    if (!table) return table.error();
    runs.clear();
    for (const SubjectId& id : ids) {
      if (const std::optional<uint32_t> at = (*table)->Find(id)) {
        const uint32_t first = (*table)->starts[*at];
        runs.push_back({first, (*table)->starts[*at + 1] - first});
      }
    }
    KillRuns(&source, runs);
  }
  links_.Erase(ids);
  for (const SubjectId& id : ids) {
    profiles_.Erase(id);
  }
  people_changed_ = true;
  last_snapshot_ = nullptr;
  return {};
}

Result<void> Store::Impl::EraseSubjects(std::span<const SubjectId> people,
                                        std::optional<uint64_t> through) {
  const std::lock_guard maintenance(maintenance_mutex_);
  if (!people.empty()) {
    {
      const std::lock_guard lock(mutex_);
      if (Result<void> killed = KillSubjects(people); !killed) return killed;
    }
    // Afterwards the log before now is no longer applied again, so that nothing comes back.
    if (Result<void> flushed = FlushRows(); !flushed) return flushed;
    if (Result<void> purged = PurgeDue(); !purged) return purged;
  }
  {
    const std::lock_guard lock(mutex_);
    if (!through || *through <= erasures_applied_) return {};
    erasures_applied_ = *through;
  }
  return Commit();
}

std::vector<std::shared_ptr<const Segment>> Store::Impl::FindPurge() {
  const std::lock_guard lock(mutex_);
  for (const Source& source : sources_) {
    if (source.purge_due) return {source.segment};
  }
  return {};
}

Result<void> Store::Impl::PurgeDue() {
  for (auto due = FindPurge(); !due.empty(); due = FindPurge()) {
    if (Result<void> done = Rewrite(due); !done) return done;
  }
  return {};
}

Result<void> Store::Impl::SetRetention(RetentionRules rules) {
  const auto fits = [](std::optional<uint32_t> days) {
    return !days || (*days >= 1 && *days <= kMaxRetentionDays);
  };
  for (const RetentionRules::OfEvent& rule : rules.events) {
    if (!fits(rule.days)) return Error{ErrorCode::kInvalid, "retention: 1 to 36500 days expected"};
  }
  if (!fits(rules.days)) return Error{ErrorCode::kInvalid, "retention: 1 to 36500 days expected"};
  const std::lock_guard lock(mutex_);
  if (rules != retention_) {
    retention_ = std::move(rules);
    expired_on_ = INT64_MIN;
  }
  return {};
}

RetentionRules Store::Impl::retention() {
  const std::lock_guard lock(mutex_);
  return retention_;
}

bool Store::Impl::ExpiryDue(bool calm) {
  const std::lock_guard lock(mutex_);
  if (retention_.KeepsAll() || UtcDay(options_.clock->NowMs()) == expired_on_) {
    expiry_due_since_.reset();
    return false;
  }
  const auto now = std::chrono::steady_clock::now();
  if (!expiry_due_since_) expiry_due_since_ = now;
  return calm || now - *expiry_due_since_ >= kMaxExpiryDelay;
}

Result<uint64_t> Store::Impl::ExpireNow(int64_t now_ms) {
  const std::lock_guard maintenance(maintenance_mutex_);
  const Result<uint64_t> hidden = HideExpired(now_ms);
  if (!hidden) return hidden;
  // What expired in memory does not come back with the log, which can be trimmed now.
  if (Result<void> flushed = FlushRows(); !flushed) return flushed.error();
  if (Result<void> purged = PurgeDue(); !purged) return purged.error();
  return hidden;
}

Result<uint64_t> Store::Impl::HideExpired(int64_t now_ms) {
  RetentionRules rules;
  {
    const std::lock_guard lock(mutex_);
    rules = retention_;
  }
  if (rules.KeepsAll()) {
    return uint64_t{0};
  }
  const Result<uint64_t> killed = KillExpired(RetentionCutoffs(rules, now_ms));
  if (!killed) return killed;
  const std::lock_guard lock(mutex_);
  if (rules == retention_) expired_on_ = UtcDay(now_ms);
  return killed;
}

// Sources on disk change only with maintenance_mutex_ held, so they are read without holding
// anybody up; those in memory are few rows.
Result<uint64_t> Store::Impl::KillExpired(const RetentionCutoffs& cutoffs) {
  std::vector<std::shared_ptr<const Segment>> on_disk;
  {
    const std::lock_guard lock(mutex_);
    for (const Source& source : sources_) {
      if (source.segment->on_disk()) on_disk.push_back(source.segment);
    }
  }
  std::vector<std::vector<RowRun>> runs;
  for (const auto& segment : on_disk) {
    Result<std::vector<RowRun>> found = FindExpired(*segment, cutoffs);
    if (!found) return found.error();
    runs.push_back(*std::move(found));
  }
  const std::lock_guard lock(mutex_);
  SealPending();
  uint64_t killed = 0;
  for (Source& source : sources_) {
    const auto at = std::find(on_disk.begin(), on_disk.end(), source.segment);
    if (at != on_disk.end()) {
      killed += KillRuns(&source, runs[static_cast<size_t>(at - on_disk.begin())]);
      continue;
    }
    const Result<std::vector<RowRun>> found = FindExpired(*source.segment, cutoffs);
    if (!found) return found.error();
    killed += KillRuns(&source, *found);
  }
  expired_rows_ += killed;
  return killed;
}

Result<void> Store::Impl::RewrapAll(const KeyRing& keys) {
  const std::lock_guard maintenance(maintenance_mutex_);
  Check(!keys.empty(), "a ring that is used has a key");
  ring_ = &keys;
  {
    const std::lock_guard lock(mutex_);
    if (ring_key_ == keys.newest().id) return {};
  }
  return Commit();
}

}  // namespace bulkhead
