#include <algorithm>
#include <cmath>
#include <set>

#include "oracle/oracles.h"

namespace bulkhead::oracle {
namespace {

struct Numbers {
  std::set<SubjectId> people;
  std::vector<double> lengths_s;
  double events = 0;
};

std::string Rounded(double number) {
  // To the microsecond, since a percentile may lie between two milliseconds.
  return std::isnan(number) ? " -" : " " + std::to_string(std::llround(number * 1e6));
}

std::string Text(uint64_t sessions, uint64_t people, double average_s, double average_events) {
  return " " + std::to_string(sessions) + "/" + std::to_string(people) + Rounded(average_s) +
         Rounded(average_events);
}

std::string Text(const Numbers& numbers) {
  double sum_s = 0;
  for (const double length_s : numbers.lengths_s) sum_s += length_s;
  const auto count = static_cast<double>(numbers.lengths_s.size());
  return Text(numbers.lengths_s.size(), numbers.people.size(), sum_s / count,
              numbers.events / count);
}

std::string Text(const SessionNumbers& numbers) {
  return Text(numbers.sessions, numbers.people, numbers.average_s, numbers.average_events);
}

}  // namespace

std::string SessionsOf(const Scenario& scenario, const PlainHistory& history,
                       const SessionsReport& report) {
  std::map<std::string, std::map<std::string, Numbers>> all;  // by segment and date; "*" = all
  for (const auto& [person, events] : history.people) {
    std::vector<PlainEvent> counted;
    for (const PlainEvent& event : events) {
      const bool excluded = std::ranges::any_of(
          report.exclude, [&](const auto& selector) { return Selects(history, selector, event); });
      if (!excluded && !person.IsNobody()) counted.push_back(event);
    }
    for (const auto& [begin, end] : Sessions(scenario, report.timeout_ms, counted)) {
      const PlainEvent& first = counted[begin];
      if (!InDays(scenario, first.time_ms) || !HoldsFor(history, report.where, first)) continue;
      std::string segment;
      for (const PropertyRef& property : report.breakdown) {
        segment += ValueText(history, property, first) + ",";
      }
      for (const std::string& date :
           {BucketText(scenario, first.time_ms, report.unit, report.interval), std::string("*")}) {
        Numbers& numbers = all[segment][date];
        numbers.people.insert(person);
        numbers.lengths_s.push_back(static_cast<double>(counted[end - 1].time_ms - first.time_ms) /
                                    1000);
        numbers.events += static_cast<double>(end - begin);
      }
    }
  }
  std::string text;
  for (const auto& [segment, dates] : all) {
    text += "[" + segment + "]";
    for (const auto& [date, numbers] : dates) text += " " + date + Text(numbers);
    const std::vector<double>& lengths_s = dates.at("*").lengths_s;
    text += Rounded(Quantile(lengths_s, 50)) + Rounded(Quantile(lengths_s, 90)) + "\n";
  }
  return text;
}

std::string SessionsText(const SessionsResult& result) {
  std::map<std::string, std::string> lines;
  for (const SessionsSeries& series : result.series) {
    std::string segment;
    for (const Value& value : series.segment) segment += ToJson(value) + ",";
    if (series.overall.sessions == 0) continue;
    std::string& line = lines[segment];
    line = " *" + Text(series.overall);
    for (size_t d = 0; d < result.dates.size(); ++d) {
      if (series.buckets[d].sessions > 0) {
        line += " " + result.dates[d] + Text(series.buckets[d]);
      }
    }
    line += Rounded(series.median_s) + Rounded(series.p90_s);
  }
  std::string text;
  for (const auto& [segment, line] : lines) text += "[" + segment + "]" + line + "\n";
  return text;
}

}  // namespace bulkhead::oracle
