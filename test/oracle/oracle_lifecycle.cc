#include <set>

#include "oracle/oracles.h"

namespace bulkhead::oracle {
namespace {

std::string Line(const std::string& date, const std::vector<uint64_t>& numbers) {
  std::string text = date;
  for (const uint64_t number : numbers) text += " " + std::to_string(number);
  return text + "\n";
}

}  // namespace

std::string Lifecycle(const Scenario& scenario, const PlainHistory& history,
                      const LifecycleReport& report) {
  const auto unit_of = [&](int64_t time_ms) {
    return BucketText(scenario.zone, time_ms, report.unit);
  };
  // The units, in order, from one well before the range on.
  std::vector<std::string> units;
  std::set<std::string> shown;
  const int64_t last = DayNumber(scenario.to);
  for (int64_t day = DayNumber(scenario.from) - 70; day <= last; ++day) {
    const std::string unit = unit_of(DayStartMs(scenario.zone, day));
    if (units.empty() || units.back() != unit) units.push_back(unit);
    if (day >= DayNumber(scenario.from)) shown.insert(unit);
  }
  std::string text;
  for (size_t u = 1; u < units.size(); ++u) {
    if (!shown.contains(units[u])) continue;
    uint64_t fresh = 0, returning = 0, resurrecting = 0, dormant = 0;
    for (const auto& [person, events] : history.people) {
      std::set<std::string> active;
      for (const PlainEvent& event : events) {
        if (Selects(history, report.selector, event)) active.insert(unit_of(event.time_ms));
      }
      if (person.IsNobody() || active.empty()) continue;
      const bool here = active.contains(units[u]);
      const bool before = active.contains(units[u - 1]);
      const bool ever = *active.begin() < units[u];  // dates sort as text
      fresh += here && !ever ? 1 : 0;
      returning += here && before ? 1 : 0;
      resurrecting += here && ever && !before ? 1 : 0;
      dormant += !here && before ? 1 : 0;
    }
    text += Line(units[u], {fresh, returning, resurrecting, dormant});
  }
  return text;
}

std::string LifecycleText(const LifecycleResult& result) {
  std::string text;
  for (const LifecycleBucket& bucket : result.buckets) {
    text +=
        Line(bucket.date, {bucket.fresh, bucket.returning, bucket.resurrecting, bucket.dormant});
  }
  return text;
}

}  // namespace bulkhead::oracle
