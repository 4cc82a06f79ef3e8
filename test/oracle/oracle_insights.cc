#include <algorithm>
#include <cmath>
#include <set>

#include "oracle/oracles.h"

namespace bulkhead::oracle {
namespace {

// Everything that fell into one segment and bucket.
struct Cell {
  std::set<SubjectId> persons;
  std::vector<double> numbers;
  std::set<std::string> values;
  uint64_t events = 0;
  std::set<SubjectId> persons_with_numbers;
};

// All combinations of the breakdown's values; a list stands for each of its elements.
std::vector<std::string> Segments(const PlainHistory& history, const InsightsReport& report,
                                  const PlainEvent& event) {
  std::vector<std::string> segments{""};
  for (const PropertyRef& property : report.breakdown) {
    std::set<std::string> values;
    const Value* value = ValueOf(history, property, event);
    if (value != nullptr && value->is_list() && !value->list().empty()) {
      for (const Value& element : value->list()) {
        values.insert(ToJson(element));
      }
    } else {
      values.insert(value == nullptr || value->is_list() ? "null" : ToJson(*value));
    }
    std::vector<std::string> next;
    for (const std::string& segment : segments) {
      for (const std::string& text : values) {
        next.push_back(segment + (segment.empty() ? "" : ",") + text);
      }
    }
    segments = std::move(next);
  }
  return segments;
}

double Number(const Cell& cell, const InsightsMetric& metric) {
  double sum = 0;
  for (const double number : cell.numbers) {
    sum += number;
  }
  const double count = static_cast<double>(cell.numbers.size());
  switch (metric.math) {
    case Math::kTotal:
      return static_cast<double>(cell.events);
    case Math::kUnique:
    case Math::kDau:
    case Math::kWau:
    case Math::kMau:
      return static_cast<double>(cell.persons.size());
    case Math::kSum:
      return sum;
    case Math::kDistinct:
      return static_cast<double>(cell.values.size());
    case Math::kPerUserAverage:
      return cell.persons_with_numbers.empty()
                 ? kNoValue
                 : sum / static_cast<double>(cell.persons_with_numbers.size());
    default:
      break;
  }
  if (cell.numbers.empty()) {
    return kNoValue;
  }
  switch (metric.math) {
    case Math::kAverage:
      return sum / count;
    case Math::kMin:
      return *std::min_element(cell.numbers.begin(), cell.numbers.end());
    case Math::kMax:
      return *std::max_element(cell.numbers.begin(), cell.numbers.end());
    default:
      return Quantile(cell.numbers, metric.percentile);
  }
}

// The dates whose trailing window holds the event: the local days from its own on.
std::vector<std::string> RollingDates(const Scenario& scenario, int64_t time_ms, Math math) {
  const int64_t days = math == Math::kDau ? 1 : math == Math::kWau ? 7 : 30;
  const int64_t day = ToLocal(scenario.zone, time_ms).day;
  std::vector<std::string> dates;
  for (int64_t d = day; d < day + days; ++d) {
    if (DayText(d) >= scenario.from && DayText(d) <= scenario.to) {
      dates.push_back(DayText(d));
    }
  }
  return dates;
}

}  // namespace

double Quantile(std::vector<double> numbers, double percent) {
  std::sort(numbers.begin(), numbers.end());
  const double rank = percent / 100 * static_cast<double>(numbers.size() - 1);
  const size_t low = static_cast<size_t>(rank);
  const size_t high = std::min(low + 1, numbers.size() - 1);
  return numbers[low] + (numbers[high] - numbers[low]) * (rank - std::floor(rank));
}

InsightsAnswer Insights(const Scenario& scenario, const PlainHistory& history,
                        const InsightsReport& report) {
  const InsightsMetric& metric = report.metrics[0];
  const bool rolling =
      metric.math == Math::kDau || metric.math == Math::kWau || metric.math == Math::kMau;
  std::map<std::string, std::map<std::string, Cell>> cells;
  for (const auto& [person, events] : history.people) {
    for (const PlainEvent& event : events) {
      if (!Selects(history, metric.selector, event) ||
          !HoldsFor(history, report.global_where, event)) {
        continue;
      }
      std::vector<std::string> dates;
      if (rolling) {
        dates = RollingDates(scenario, event.time_ms, metric.math);
      } else if (InDays(scenario, event.time_ms)) {
        dates.push_back(BucketText(scenario, event.time_ms, report.unit, report.interval));
      }
      if (InDays(scenario, event.time_ms)) {
        dates.push_back("*");
      }
      const Value* value = ValueOf(history, metric.property, event);
      for (const std::string& segment : Segments(history, report, event)) {
        for (const std::string& date : dates) {
          Cell& cell = cells[segment][date];
          ++cell.events;
          if (!person.IsNobody()) {
            cell.persons.insert(person);
          }
          const bool per_user = metric.math == Math::kPerUserAverage;
          if (per_user && person.IsNobody()) {
            continue;
          }
          if (per_user && metric.property.name.empty()) {
            cell.numbers.push_back(1);
            cell.persons_with_numbers.insert(person);
          } else if (value != nullptr && value->is_number()) {
            cell.numbers.push_back(value->number());
            cell.persons_with_numbers.insert(person);
          }
          if (value != nullptr && !value->is_null()) {
            cell.values.insert(ToJson(*value));
          }
        }
      }
    }
  }
  InsightsAnswer answer;
  for (const auto& [segment, dates] : cells) {
    for (const auto& [date, cell] : dates) {
      const double number = Number(cell, metric);
      if (!std::isnan(number) && number != 0) {
        answer[segment][date] = number;
      }
    }
  }
  return answer;
}

}  // namespace bulkhead::oracle
