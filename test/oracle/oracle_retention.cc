#include <date/date.h>

#include <set>

#include "oracle/oracles.h"

namespace bulkhead::oracle {
namespace {

// Units between the buckets of two moments.
int64_t CalendarDistance(const std::string& zone, int64_t from_ms, int64_t to_ms, TimeUnit unit) {
  const auto number = [&](int64_t time_ms) {
    const int64_t day = DayNumber(BucketText(zone, time_ms, unit));
    if (unit != TimeUnit::kMonth) {
      return day / (unit == TimeUnit::kWeek ? 7 : 1);
    }
    const date::year_month_day ymd{date::sys_days(date::days(day))};
    return int64_t{int(ymd.year())} * 12 + int64_t{unsigned(ymd.month())};
  };
  return number(to_ms) - number(from_ms);
}

}  // namespace

RetentionAnswer Retention(const Scenario& scenario, const PlainHistory& history,
                          const RetentionReport& report) {
  RetentionAnswer answer;
  const int64_t unit_days = report.unit == TimeUnit::kDay    ? 1
                            : report.unit == TimeUnit::kWeek ? 7
                                                             : 30;
  for (const auto& [person, events] : history.people) {
    std::set<std::string> cohorts;
    for (size_t i = 0; i < events.size() && !person.IsNobody(); ++i) {
      if (!InDays(scenario, events[i].time_ms) || !Selects(history, report.born, events[i])) {
        continue;
      }
      const std::string cohort = BucketText(scenario.zone, events[i].time_ms, report.unit);
      if (report.birth == RetentionBirth::kFirst ? !cohorts.empty() : cohorts.contains(cohort)) {
        continue;
      }
      cohorts.insert(cohort);
      if (!HoldsFor(history, report.global_where, events[i])) {
        continue;
      }
      std::set<int64_t> reached;
      for (size_t j = i + 1; j < events.size(); ++j) {
        if (Selects(history, report.returning, events[j])) {
          reached.insert(report.calendar
                             ? CalendarDistance(scenario.zone, events[i].time_ms, events[j].time_ms,
                                                report.unit)
                             : (events[j].time_ms - events[i].time_ms) / (unit_days * 86'400'000));
        }
      }
      const std::string segment =
          report.breakdown ? ValueText(history, *report.breakdown, events[i]) : "*";
      std::vector<uint64_t>& row = answer[cohort][segment];
      row.resize(static_cast<size_t>(report.buckets) + 2);
      ++row[0];
      for (int64_t b = 0; b <= report.buckets; ++b) {
        const bool counts = report.mode == RetentionMode::kOnOrAfter
                                ? reached.lower_bound(b) != reached.end()
                                : reached.contains(b);
        row[static_cast<size_t>(b) + 1] += counts ? 1 : 0;
      }
    }
  }
  return answer;
}

std::map<std::string, std::vector<uint64_t>> Addiction(const Scenario& scenario,
                                                       const PlainHistory& history,
                                                       const EventSelector& selector, TimeUnit unit,
                                                       TimeUnit sub_unit) {
  std::map<std::string, std::vector<uint64_t>> answer;
  for (const auto& [person, events] : history.people) {
    std::map<std::string, std::set<std::string>> active;
    for (const PlainEvent& event : events) {
      if (!person.IsNobody() && InDays(scenario, event.time_ms) &&
          Selects(history, selector, event)) {
        active[BucketText(scenario.zone, event.time_ms, unit)].insert(
            BucketText(scenario.zone, event.time_ms, sub_unit));
      }
    }
    for (const auto& [date, subs] : active) {
      std::vector<uint64_t>& row = answer[date];
      row.resize(std::max(row.size(), subs.size()));
      for (size_t k = 0; k < subs.size(); ++k) {
        ++row[k];
      }
    }
  }
  return answer;
}

}  // namespace bulkhead::oracle
