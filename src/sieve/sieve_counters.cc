#include "sieve/sieve_counters.h"

#include <algorithm>

namespace bulkhead {
namespace {

constexpr int64_t kHourMs = 3600 * 1000;
constexpr std::string_view kAnyProperty = "(property)";
constexpr std::string_view kOther = "other";

// mp_lib is free text from outside: only names of the known form are shown.
std::string LibraryName(std::string_view library) {
  const bool plain = !library.empty() && library.size() <= 32 &&
                     std::all_of(library.begin(), library.end(), [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                              c == '_' || c == '.' || c == '+' || c == '#';
                     });
  return plain ? std::string(library) : std::string(kOther);
}

size_t SlotOf(int64_t hour) {
  constexpr auto kHours = static_cast<int64_t>(kSieveHours);
  return static_cast<size_t>((hour % kHours + kHours) % kHours);
}

}  // namespace

void SieveCounters::Tally::Note(int64_t time_ms) {
  const int64_t hour = time_ms / kHourMs;
  const int64_t last = last_seen_ms / kHourMs;
  if (count == 0) {
    first_seen_ms = last_seen_ms = time_ms;
  } else if (hour > last) {  // the hours between had none
    const int64_t passed = std::min<int64_t>(hour - last, kSieveHours);
    for (int64_t i = 0; i < passed; ++i) hours[SlotOf(hour - i)] = 0;
  }
  last_seen_ms = std::max(last_seen_ms, time_ms);
  ++count;
  // A clock that was set back counts in the hour where it was.
  uint32_t& of_hour = hours[SlotOf(last_seen_ms / kHourMs)];
  if (of_hour != UINT32_MAX) ++of_hour;
}

void SieveCounters::Add(const std::vector<Finding>& findings, const FindingSource& source) {
  if (findings.empty()) return;
  const std::string library = LibraryName(source.library);
  std::vector<FirstHit> first_hits;
  {
    const std::lock_guard lock(mutex_);
    for (const Finding& finding : findings) {
      // Which properties are unknown is counted apart: their names are anybody's.
      const std::string_view path =
          finding.rule == kUnknownPropertyRule ? kAnyProperty : std::string_view(finding.path);
      Key key(source.project, finding.rule, path, library, finding.action);
      auto known = counts_.find(key);
      if (known == counts_.end() && counts_.size() < kMaxKeys) {
        first_hits.push_back({source.project, finding.rule, std::string(path), library,
                              finding.action, source.time_ms});
        known = counts_.emplace(std::move(key), Tally()).first;
      } else if (known == counts_.end()) {
        known =
            counts_
                .emplace(Key(source.project, finding.rule, kOther, kOther, finding.action), Tally())
                .first;
      }
      known->second.Note(source.time_ms);
    }
  }
  if (!on_first_hit_) return;
  for (const FirstHit& hit : first_hits) on_first_hit_(hit);
}

void SieveCounters::AddUnknown(std::span<const Finding> findings, std::string_view event,
                               const FindingSource& source) {
  const std::lock_guard lock(mutex_);
  for (const Finding& finding : findings) {
    if (finding.rule != kUnknownPropertyRule) continue;
    UnknownKey key(source.project, event, finding.path);
    auto known = unknown_.find(key);
    if (known == unknown_.end() && unknown_.size() >= kMaxUnknown) {
      key = UnknownKey(source.project, kOther, kOther);
      known = unknown_.find(key);
    }
    if (known == unknown_.end()) {
      known = unknown_.emplace(std::move(key), UnknownTally{0, source.time_ms, 0}).first;
    }
    ++known->second.count;
    known->second.last_seen_ms = std::max(known->second.last_seen_ms, source.time_ms);
  }
}

std::vector<SieveCount> SieveCounters::Snapshot() const {
  const std::lock_guard lock(mutex_);
  std::vector<SieveCount> snapshot;
  snapshot.reserve(counts_.size());
  for (const auto& [key, tally] : counts_) {
    SieveCount& count = snapshot.emplace_back();
    std::tie(count.project, count.rule, count.path, count.library, count.action) = key;
    count.count = tally.count;
    count.first_seen_ms = tally.first_seen_ms;
    count.last_seen_ms = tally.last_seen_ms;
    const int64_t hour = tally.last_seen_ms / kHourMs;
    for (size_t i = 0; i < kSieveHours; ++i) {
      count.hours[i] = tally.hours[SlotOf(hour - static_cast<int64_t>(i))];
    }
  }
  return snapshot;
}

std::vector<UnknownCount> SieveCounters::UnknownSnapshot() const {
  const std::lock_guard lock(mutex_);
  std::vector<UnknownCount> snapshot;
  snapshot.reserve(unknown_.size());
  for (const auto& [key, tally] : unknown_) {
    snapshot.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), tally.count,
                        tally.first_seen_ms, tally.last_seen_ms});
  }
  return snapshot;
}

}  // namespace bulkhead
