#include <algorithm>
#include <cstdlib>
#include <set>

#include "oracle/oracles.h"

namespace bulkhead::oracle {
namespace {

struct Cell {
  std::vector<double> numbers;
  uint64_t events = 0;
  uint64_t person_events = 0;
  std::set<SubjectId> persons;
};

std::string TextOfValue(const Value& value) {
  return value.is_null() ? "undefined" : value.is_string() ? value.string() : ToJson(value);
}

// The rows an event counts in: what its value reads as, or each element of it.
std::set<std::string> Texts(const std::optional<Value>& value) {
  if (!value || (value->is_list() && value->list().empty())) {
    return {"undefined"};
  }
  if (!value->is_list()) {
    return {TextOfValue(*value)};
  }
  std::set<std::string> texts;
  for (const Value& element : value->list()) {
    texts.insert(TextOfValue(element));
  }
  return texts;
}

// The range that says it has the number: "-1,000 - 2.5".
std::set<std::string> RangeOf(const std::vector<std::string>& ranges, double number) {
  std::set<std::string> found;
  for (const std::string& label : ranges) {
    const size_t joint = label.find(" - ");
    const auto end = [](std::string text) {
      std::erase(text, ',');
      return std::strtod(text.c_str(), nullptr);
    };
    if (end(label.substr(0, joint)) <= number && number < end(label.substr(joint + 3))) {
      found.insert(label);
    }
  }
  return found.empty() ? std::set<std::string>{"no range"} : found;
}

double Number(const Cell& cell, const SegmentationRequest& request) {
  using Kind = SegmentationRequest::Kind;
  if (request.kind == Kind::kSum || request.kind == Kind::kAverage) {
    double sum = 0;
    for (const double number : cell.numbers) {
      sum += number;
    }
    return request.kind == Kind::kSum || cell.numbers.empty()
               ? sum
               : sum / static_cast<double>(cell.numbers.size());
  }
  const double persons = static_cast<double>(cell.persons.size());
  return request.type == CountType::kGeneral  ? static_cast<double>(cell.events)
         : request.type == CountType::kUnique ? persons
         : persons == 0                       ? 0
                                              : static_cast<double>(cell.person_events) / persons;
}

}  // namespace

InsightsAnswer Segmentation(const Scenario& scenario, const PlainHistory& history,
                            const SegmentationRequest& request,
                            const std::vector<std::string>& ranges) {
  using Kind = SegmentationRequest::Kind;
  std::map<std::string, std::map<std::string, Cell>> cells;
  for (const auto& [person, events] : history.people) {
    for (const PlainEvent& event : events) {
      if (!InDays(scenario, event.time_ms) ||
          !Selects(history, {request.event, request.where}, event)) {
        continue;
      }
      const std::optional<Value> value =
          request.on == nullptr ? std::nullopt : ValueOf(history, *request.on, event);
      const bool number = value && value->is_number();
      if (request.kind != Kind::kSeries && !number) {
        continue;
      }
      const std::set<std::string> rows =
          request.kind == Kind::kNumeric ? RangeOf(ranges, value->number())
          : request.kind == Kind::kSeries && request.on != nullptr ? Texts(value)
                                                                   : std::set{request.event};
      for (const std::string& row : rows) {
        Cell& cell =
            cells[row][BucketText(scenario, event.time_ms, request.unit, request.interval)];
        ++cell.events;
        if (number) {
          cell.numbers.push_back(value->number());
        }
        if (!person.IsNobody()) {
          cell.persons.insert(person);
          ++cell.person_events;
        }
      }
    }
  }
  InsightsAnswer answer;
  for (const auto& [row, dates] : cells) {
    for (const auto& [date, cell] : dates) {
      if (const double number = Number(cell, request); number != 0) {
        answer[row][date] = number;
      }
    }
  }
  return answer;
}

}  // namespace bulkhead::oracle
