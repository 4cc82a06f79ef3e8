#include <algorithm>
#include <optional>

#include "oracle/oracles.h"

namespace bulkhead::oracle {
namespace {

using Step = std::pair<std::string, std::string>;  // event; "=" and the value, if it is expanded
using Path = std::vector<std::optional<Step>>;     // by column

std::string StepText(const Step& step) { return step.first + step.second; }

class PersonFlow {
 public:
  PersonFlow(const PlainHistory& history, const FlowReport& report,
             const std::vector<PlainEvent>& events)
      : history_(history), report_(report), events_(events) {}

  struct Found {
    size_t entry = 0;
    size_t reached = 0;
    Path path;
  };

  // All in order that begin in the asked days, within events [begin, end).
  std::vector<Found> All(const Scenario& scenario, size_t begin, size_t end) const {
    std::vector<Found> all;
    size_t floor = begin;
    for (size_t i = begin; i < end; ++i) {
      if (i < floor || !InDays(scenario, events_[i].time_ms) ||
          !Selects(history_, report_.anchors[0].selector, events_[i]) || !HasHeld(i)) {
        continue;
      }
      std::vector<size_t> anchors{i};
      for (size_t j = i + 1; j < end && anchors.size() < report_.anchors.size(); ++j) {
        if (InWindow(i, j) && SameHeld(i, j) &&
            Selects(history_, report_.anchors[anchors.size()].selector, events_[j])) {
          anchors.push_back(j);
        }
      }
      all.push_back({i, anchors.size(), MakePath(anchors, begin, end)});
      floor = anchors.back() + 1;
    }
    return all;
  }

 private:
  bool InWindow(size_t entry, size_t i) const {
    return report_.count == FlowCount::kSessions ||
           std::abs(events_[i].time_ms - events_[entry].time_ms) <= report_.window_ms;
  }
  const Value* Held(size_t i, const std::string& name) const {
    const Value* value = Find(events_[i].properties, name);
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  bool HasHeld(size_t i) const {
    return std::ranges::all_of(report_.hold,
                               [&](const auto& name) { return Held(i, name) != nullptr; });
  }
  bool SameHeld(size_t a, size_t b) const {
    return std::ranges::all_of(report_.hold, [&](const auto& name) {
      return Held(b, name) != nullptr && *Held(a, name) == *Held(b, name);
    });
  }

  // The steps among events [from, to).
  std::vector<size_t> Steps(size_t entry, size_t from, size_t to) const {
    std::vector<size_t> steps;
    for (size_t i = from; i < to; ++i) {
      const bool excluded = std::ranges::any_of(report_.exclude, [&](const auto& selector) {
        return Selects(history_, selector, events_[i]);
      });
      if (!excluded && InWindow(entry, i) && SameHeld(entry, i)) steps.push_back(i);
    }
    return steps;
  }

  Step StepOf(size_t i) const {
    for (const FlowExpansion& expansion : report_.expand) {
      if (expansion.event == events_[i].name) {
        return {events_[i].name, "=" + ValueText(history_, expansion.property, events_[i])};
      }
    }
    return {events_[i].name, ""};
  }

  Path MakePath(const std::vector<size_t>& anchors, size_t begin, size_t end) const {
    Path path;
    std::vector<size_t> waiting = Steps(anchors[0], begin, anchors[0]);
    for (size_t a = 0; a < report_.anchors.size(); ++a) {
      const FlowAnchor& anchor = report_.anchors[a];
      const bool reached = a < anchors.size();
      for (size_t c = anchor.before; c > 0; --c) {
        path.push_back(reached && waiting.size() >= c
                           ? std::optional(StepOf(waiting[waiting.size() - c]))
                           : std::nullopt);
      }
      path.push_back(reached ? std::optional(StepOf(anchors[a])) : std::nullopt);
      waiting.clear();
      if (reached) {
        waiting = Steps(anchors[0], anchors[a] + 1, a + 1 < anchors.size() ? anchors[a + 1] : end);
      }
      for (size_t c = 0; c < anchor.after; ++c) {
        path.push_back(c < waiting.size() ? std::optional(StepOf(waiting[c])) : std::nullopt);
      }
      waiting.erase(waiting.begin(), waiting.begin() + static_cast<ptrdiff_t>(
                                                           std::min(anchor.after, waiting.size())));
    }
    return path;
  }

  const PlainHistory& history_;
  const FlowReport& report_;
  const std::vector<PlainEvent>& events_;
};

// Most frequent first, then by name.
template <typename Key>
std::vector<std::pair<Key, uint64_t>> Sorted(const std::map<Key, uint64_t>& counts) {
  std::vector<std::pair<Key, uint64_t>> sorted(counts.begin(), counts.end());
  std::ranges::stable_sort(sorted,
                           [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

std::string Describe(const FlowReport& report, const std::vector<uint64_t>& reached,
                     const std::map<Path, uint64_t>& paths) {
  std::string text = "reached";
  for (const uint64_t count : reached) text += " " + std::to_string(count);
  text += "\n";
  const size_t columns = paths.empty() ? 0 : paths.begin()->first.size();
  std::vector<std::map<Step, std::string>> shown(columns);
  for (size_t c = 0; c < columns; ++c) {
    std::map<Step, uint64_t> counts;
    uint64_t dropped = 0;
    for (const auto& [path, count] : paths) {
      if (path[c]) counts[*path[c]] += count;
      const bool over = std::all_of(path.begin() + static_cast<ptrdiff_t>(c), path.end(),
                                    [](const auto& step) { return !step; });
      if (c > 0 && over && path[c - 1]) dropped += count;
    }
    uint64_t others = 0;
    text += std::to_string(c) + ":";
    for (const auto& [step, count] : Sorted(counts)) {
      const bool own = shown[c].size() < report.rows && others == 0;
      shown[c][step] = own ? StepText(step) : "$other";
      if (own) text += " " + StepText(step) + " " + std::to_string(count);
      if (!own) others += count;
    }
    text += (others > 0 ? " $other " + std::to_string(others) : "") + " dropped " +
            std::to_string(dropped) + "\n";
  }
  std::map<std::string, uint64_t> links;
  for (const auto& [path, count] : paths) {
    std::string before;
    for (size_t c = 0; c < columns; ++c) {
      if (!path[c]) continue;
      const std::string here = std::to_string(c) + " " + shown[c][*path[c]];
      if (!before.empty()) links[before + " -> " + here] += count;
      before = here;
    }
  }
  for (const auto& [link, count] : links) text += link + " " + std::to_string(count) + "\n";
  size_t listed = 0;
  for (const auto& [path, count] : Sorted(paths)) {
    if (listed++ == report.paths) break;
    for (const auto& step : path) text += step ? StepText(*step) + " > " : "";
    text += std::to_string(count) + "\n";
  }
  return text;
}

std::string StepText(const FlowStep& step) {
  return step.event + (step.expanded ? "=" + ToJson(step.value) : "");
}

}  // namespace

std::string Flow(const Scenario& scenario, const PlainHistory& history, const FlowReport& report) {
  std::vector<uint64_t> reached(report.anchors.size(), 0);
  std::map<Path, uint64_t> paths;
  for (const auto& [person, events] : history.people) {
    if (person.IsNobody()) continue;
    const PersonFlow flow(history, report, events);
    std::vector<PersonFlow::Found> all;
    if (report.count == FlowCount::kSessions) {
      for (const auto& [begin, end] : Sessions(scenario, report.session_timeout_ms, events)) {
        const std::vector<PersonFlow::Found> inside = flow.All(scenario, begin, end);
        if (!inside.empty()) all.push_back(inside.front());
      }
    } else {
      all = flow.All(scenario, 0, events.size());
    }
    for (const PersonFlow::Found& found : all) {
      if (!HoldsFor(history, report.global_where, events[found.entry])) continue;
      for (size_t a = 0; a < found.reached; ++a) ++reached[a];
      ++paths[found.path];
      if (report.count == FlowCount::kUniques) break;
    }
  }
  return Describe(report, reached, paths);
}

std::string FlowText(const FlowResult& result) {
  std::string text = "reached";
  for (const FlowReached& anchor : result.anchors) text += " " + std::to_string(anchor.count);
  text += "\n";
  if (result.anchors.front().count == 0) return text;  // and nothing else is in it, see the test
  for (size_t c = 0; c < result.columns.size(); ++c) {
    text += std::to_string(c) + ":";
    for (const FlowRow& row : result.columns[c].rows) {
      text += " " + StepText(row.step) + " " + std::to_string(row.count);
    }
    text += " dropped " + std::to_string(result.columns[c].dropped) + "\n";
  }
  std::map<std::string, uint64_t> links;
  const auto place = [&](size_t column, size_t row) {
    return std::to_string(column) + " " + StepText(result.columns[column].rows[row].step);
  };
  for (const FlowLink& link : result.links) {
    links[place(link.from_column, link.from_row) + " -> " + place(link.to_column, link.to_row)] +=
        link.count;
  }
  for (const auto& [link, count] : links) text += link + " " + std::to_string(count) + "\n";
  for (const FlowPath& path : result.paths) {
    for (const FlowStep& step : path.steps) text += StepText(step) + " > ";
    text += std::to_string(path.count) + "\n";
  }
  return text;
}

}  // namespace bulkhead::oracle
