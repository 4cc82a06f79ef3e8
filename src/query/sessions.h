// Sessions of one person, found anew by each report: a session ends after a pause that is longer
// than the time-out, and at midnight of the report's zone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "query/time_zone.h"
#include "store/person_scan.h"

namespace bulkhead {

// No session is longer: a local day and a shift of the clock.
inline constexpr int64_t kLongestSessionMs = 2 * 86'400'000LL;

struct SessionRule {
  const TimeZone* zone = nullptr;
  int64_t timeout_ms = 0;
};

// Calls f(begin, end) for each; `hits` are all events of the person that stretch a session, in
// order.
template <typename F>
void ForEachSession(std::span<const Hit> hits, const SessionRule& rule, const F& f) {
  for (size_t begin = 0; begin < hits.size();) {
    const int64_t midnight_ms = rule.zone->DayStartMs(rule.zone->LocalDay(hits[begin].time_ms) + 1);
    size_t end = begin + 1;
    while (end < hits.size() && hits[end].time_ms < midnight_ms &&
           hits[end].time_ms - hits[end - 1].time_ms <= rule.timeout_ms) {
      ++end;
    }
    f(begin, end);
    begin = end;
  }
}

}  // namespace bulkhead
