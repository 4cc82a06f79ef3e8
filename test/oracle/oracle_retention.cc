#include <algorithm>
#include <set>
#include <utility>

#include "oracle/oracles.h"

namespace bulkhead::oracle {
namespace {

int64_t UnitDays(TimeUnit unit) {
  return unit == TimeUnit::kDay ? 1 : unit == TimeUnit::kWeek ? 7 : 30;
}

// The first moment after a cohort: the next bucket's, or that of the day after the range.
int64_t CohortEndMs(const Scenario& scenario, const RetentionReport& report, int64_t cohort) {
  int64_t day = DayNumber(scenario.from);
  while (DayText(day) <= scenario.to && BucketNumber(scenario, DayStartMs(scenario.zone, day),
                                                     report.unit, report.interval) <= cohort) {
    ++day;
  }
  return DayStartMs(scenario.zone, day);
}

// First and last bucket of each that is shown.
std::vector<std::pair<int64_t, int64_t>> Brackets(const RetentionReport& report) {
  std::vector<std::pair<int64_t, int64_t>> brackets;
  for (const int length : report.brackets) {
    const int64_t first = brackets.empty() ? 0 : brackets.back().second + 1;
    brackets.emplace_back(first, first + length - 1);
  }
  for (int64_t b = 0; report.brackets.empty() && b <= report.buckets; ++b) {
    brackets.emplace_back(b, b);
  }
  return brackets;
}

// How many of a cohort's buckets are over for all of it.
uint64_t CompleteBuckets(const Scenario& scenario, const RetentionReport& report, int64_t cohort) {
  uint64_t complete = 0;
  for (const auto& [first, last] : Brackets(report)) {
    const int64_t b = last;
    const int64_t length_ms = UnitDays(report.unit) * report.interval * 86'400'000;
    const bool over =
        report.calendar
            ? BucketNumber(scenario, scenario.now_ms, report.unit, report.interval) > cohort + b
            : CohortEndMs(scenario, report, cohort) + (b + 1) * length_ms <= scenario.now_ms;
    complete += over ? 1 : 0;
  }
  return complete;
}

// The shares of the dates' cohorts, each weighted by its share of all persons.
std::vector<double> Average(const RetentionReport& report, const RetentionAnswer& answer) {
  std::vector<double> average;
  for (size_t b = 0; b < Brackets(report).size(); ++b) {
    double returned = 0;
    double born = 0;
    for (const auto& [date, segments] : answer.rows) {
      double persons = 0;
      double back = 0;
      for (const auto& [segment, row] : segments) {
        persons += static_cast<double>(row[0]);
        back += static_cast<double>(row[b + 1]);
      }
      if (answer.complete.at(date) > b) {
        returned += back * persons;
        born += persons * persons;
      }
    }
    average.push_back(born == 0 ? kNoValue : returned / born);
  }
  return average;
}

}  // namespace

RetentionAnswer Retention(const Scenario& scenario, const PlainHistory& history,
                          const RetentionReport& report) {
  RetentionAnswer answer;
  const auto number = [&](const PlainEvent& event) {
    return BucketNumber(scenario, event.time_ms, report.unit, report.interval);
  };
  const int64_t length_ms = UnitDays(report.unit) * report.interval * 86'400'000;
  for (const auto& [person, events] : history.people) {
    std::set<std::string> cohorts;
    for (size_t i = 0; i < events.size() && !person.IsNobody(); ++i) {
      if (!InDays(scenario, events[i].time_ms) || !Selects(history, report.born, events[i])) {
        continue;
      }
      const std::string cohort =
          BucketText(scenario, events[i].time_ms, report.unit, report.interval);
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
          reached.insert(report.calendar ? number(events[j]) - number(events[i])
                                         : (events[j].time_ms - events[i].time_ms) / length_ms);
        }
      }
      const std::string segment =
          report.breakdown ? ValueText(history, *report.breakdown, events[i]) : "*";
      answer.complete[cohort] = CompleteBuckets(scenario, report, number(events[i]));
      std::vector<uint64_t>& row = answer.rows[cohort][segment];
      const auto brackets = Brackets(report);
      row.resize(brackets.size() + 1);
      ++row[0];
      const auto back_in = [&](int64_t first, int64_t last) {
        return std::ranges::any_of(
            reached, [&](int64_t bucket) { return first <= bucket && bucket <= last; });
      };
      for (size_t b = 0; b < brackets.size(); ++b) {
        const auto [first, last] = brackets[b];
        bool counts = back_in(first, last);
        if (report.mode == RetentionMode::kOnOrAfter) counts = back_in(first, INT64_MAX);
        if (report.mode == RetentionMode::kOnOrBefore) counts = back_in(0, last);
        for (size_t k = 1; k < b && report.mode == RetentionMode::kStreak; ++k) {
          counts = counts && back_in(brackets[k].first, brackets[k].second);
        }
        row[b + 1] += counts ? 1 : 0;
      }
    }
  }
  answer.average = Average(report, answer);
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
