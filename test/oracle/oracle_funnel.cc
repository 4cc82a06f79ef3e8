#include <algorithm>
#include <set>

#include "oracle/oracles.h"

namespace bulkhead::oracle {
namespace {

constexpr int64_t kGraceMs = 2000;

struct Attempt {
  std::vector<size_t> events;  // indexes into the person's events, one per step done
  size_t next = 0;             // where the next attempt may look
};

class PersonFunnel {
 public:
  PersonFunnel(const PlainHistory& history, const FunnelReport& report,
               const std::vector<PlainEvent>& events)
      : history_(history), report_(report), events_(events) {}

  // For windows of sessions: the session of each event.
  void SetSessions(const std::vector<std::pair<size_t, size_t>>& sessions) {
    session_of_.clear();
    for (size_t s = 0; s < sessions.size(); ++s) {
      session_of_.insert(session_of_.end(), sessions[s].second - sessions[s].first, s);
    }
  }

  // All attempts in order that begin at a moment for which `begins` holds.
  template <typename Begins>
  std::vector<Attempt> Attempts(size_t begin, size_t end, const Begins& begins) const {
    std::vector<Attempt> attempts;
    size_t floor = begin;
    for (size_t i = begin; i < end; ++i) {
      if (i < floor || !begins(events_[i].time_ms) || !IsEntry(i) || !HasHeld(i)) {
        continue;
      }
      attempts.push_back(report_.order == FunnelOrder::kStrict ? FollowStrict(i, end)
                         : report_.order == FunnelOrder::kAny  ? FollowAny(i, end)
                                                               : Follow(i, floor, end));
      floor = attempts.back().next;
    }
    return attempts;
  }

 private:
  bool HasHeld(size_t i) const {
    return std::all_of(report_.hold.begin(), report_.hold.end(), [&](const std::string& name) {
      const Value* value = Find(events_[i].properties, name);
      return value != nullptr && !value->is_null();
    });
  }
  bool SameHeld(size_t a, size_t b) const {
    return std::all_of(report_.hold.begin(), report_.hold.end(), [&](const std::string& name) {
      const Value* x = Find(events_[a].properties, name);
      const Value* y = Find(events_[b].properties, name);
      return x != nullptr && y != nullptr && *x == *y;
    });
  }

  bool Does(size_t step, size_t i) const {
    return Selects(history_, report_.steps[step], events_[i]);
  }
  bool IsEntry(size_t i) const {
    for (size_t step = 0; step < report_.steps.size(); ++step) {
      if (Does(step, i) && (step == 0 || report_.order == FunnelOrder::kAny)) return true;
    }
    return false;
  }
  bool InWindow(size_t entry, size_t i) const {
    if (report_.count == FunnelCount::kSessions) return true;
    if (report_.window_sessions > 0) {
      return session_of_[i] < session_of_[entry] + static_cast<size_t>(report_.window_sessions);
    }
    return events_[i].time_ms <= events_[entry].time_ms + report_.window_ms;
  }

  Attempt FollowStrict(size_t entry, size_t end) const {
    Attempt attempt{{entry}, entry + 1};
    while (attempt.events.size() < report_.steps.size() && attempt.next < end &&
           InWindow(entry, attempt.next) && Does(attempt.events.size(), attempt.next) &&
           SameHeld(entry, attempt.next)) {
      attempt.events.push_back(attempt.next++);
    }
    return attempt;
  }

  // How many different steps these events can do, each one at most: every way is tried.
  size_t Doable(const std::vector<size_t>& events, size_t from,
                const std::set<size_t>& done) const {
    if (from == events.size()) return done.size();
    size_t most = Doable(events, from + 1, done);
    for (size_t step = 0; step < report_.steps.size(); ++step) {
      if (!done.contains(step) && Does(step, events[from])) {
        std::set<size_t> more = done;
        more.insert(step);
        most = std::max(most, Doable(events, from + 1, more));
      }
    }
    return most;
  }

  Attempt FollowAny(size_t entry, size_t end) const {
    Attempt attempt{{}, entry};
    while (attempt.events.size() < report_.steps.size() && attempt.next < end &&
           InWindow(entry, attempt.next)) {
      const size_t i = attempt.next++;
      if (!SameHeld(entry, i)) continue;
      std::vector<size_t> with = attempt.events;
      with.push_back(i);
      if (Doable(with, 0, {}) == with.size()) attempt.events = with;
    }
    return attempt;
  }

  Attempt Follow(size_t entry, size_t floor, size_t end) const {
    Attempt attempt{{entry}, 0};
    std::set<size_t> used{entry};
    for (size_t step = 1; step < report_.steps.size(); ++step) {
      const int64_t latest_ms = events_[*used.rbegin()].time_ms;
      size_t next = end;
      for (size_t i = floor; i < end && next == end; ++i) {
        if (events_[i].time_ms >= latest_ms - kGraceMs && InWindow(entry, i) && !used.contains(i) &&
            Selects(history_, report_.steps[step], events_[i]) && SameHeld(entry, i)) {
          next = i;
        }
      }
      for (size_t i = floor; i < end; ++i) {
        const int64_t time_ms = events_[i].time_ms;
        if (Excludes(step, i) && time_ms > latest_ms + kGraceMs && InWindow(entry, i) &&
            (next == end || time_ms < events_[next].time_ms - kGraceMs)) {
          attempt.next = i + 1;
          return attempt;
        }
      }
      if (next == end) {
        attempt.next = *used.rbegin() + 1;
        while (attempt.next < end && InWindow(entry, attempt.next)) {
          ++attempt.next;
        }
        return attempt;
      }
      attempt.events.push_back(next);
      used.insert(next);
    }
    attempt.next = *used.rbegin() + 1;
    return attempt;
  }

  // With steps 0..step-1 done.
  bool Excludes(size_t step, size_t i) const {
    return std::any_of(report_.exclude.begin(), report_.exclude.end(),
                       [&](const FunnelExclusion& exclusion) {
                         return exclusion.after_step < step && step <= exclusion.before_step &&
                                Selects(history_, exclusion.selector, events_[i]);
                       });
  }

  const PlainHistory& history_;
  const FunnelReport& report_;
  const std::vector<PlainEvent>& events_;
  std::vector<size_t> session_of_;
};

std::string Segment(const PlainHistory& history, const FunnelReport& report,
                    const std::vector<PlainEvent>& events, const Attempt& attempt) {
  std::string segment;
  for (const FunnelBreakdown& breakdown : report.breakdown) {
    std::vector<std::string> values;
    for (const size_t i : attempt.events) {
      values.push_back(ValueText(history, breakdown.property, events[i]));
    }
    std::string value = "null";
    if (breakdown.attribution == FunnelBreakdown::Attribution::kStep) {
      value = breakdown.step < values.size() ? values[breakdown.step] : "null";
      if (breakdown.property.of_user) {
        value = values[0];
      }
    } else {
      if (breakdown.attribution == FunnelBreakdown::Attribution::kLast) {
        std::reverse(values.begin(), values.end());
      }
      const auto it = std::find_if(values.begin(), values.end(),
                                   [](const std::string& text) { return text != "null"; });
      value = it == values.end() ? "null" : *it;
    }
    segment += (segment.empty() ? "" : ",") + value;
  }
  return segment;
}

void AddTo(FunnelAnswer::Row* row, const FunnelReport& report,
           const std::vector<PlainEvent>& events, const Attempt& attempt) {
  row->counts.resize(report.steps.size());
  row->previous_s.resize(report.steps.size());
  row->start_s.resize(report.steps.size());
  const auto seconds = [&](size_t from, size_t to) {
    const int64_t ms = events[attempt.events[to]].time_ms - events[attempt.events[from]].time_ms;
    return static_cast<double>(std::max<int64_t>(ms, 0)) / 1000.0;
  };
  for (size_t s = 0; s < attempt.events.size(); ++s) {
    ++row->counts[s];
    if (s > 0) {
      row->previous_s[s].push_back(seconds(s - 1, s));
      row->start_s[s].push_back(seconds(0, s));
    }
  }
}

double Average(const std::vector<double>& numbers) {
  double sum = 0;
  for (const double number : numbers) {
    sum += number;
  }
  return numbers.empty() ? kNoValue : sum / static_cast<double>(numbers.size());
}

// Shares and times from the counts and the times kept.
void Finish(FunnelAnswer::Row* row, bool percentiles) {
  row->steps.resize(row->counts.size());
  for (size_t s = 0; s < row->steps.size(); ++s) {
    const auto share_of = [&](uint64_t whole) {
      return whole == 0 ? 0 : static_cast<double>(row->counts[s]) / static_cast<double>(whole);
    };
    FunnelStepResult& step = row->steps[s];
    step.count = row->counts[s];
    step.conversion = share_of(row->counts[0]);
    step.step_conversion = share_of(row->counts[s == 0 ? 0 : s - 1]);
    step.from_start.average_s = Average(row->start_s[s]);
    step.from_previous.average_s = Average(row->previous_s[s]);
    if (percentiles && !row->previous_s[s].empty()) {
      step.from_previous.median_s = Quantile(row->previous_s[s], 50);
      step.from_previous.p90_s = Quantile(row->previous_s[s], 90);
    }
  }
}

}  // namespace

FunnelAnswer Funnel(const Scenario& scenario, const PlainHistory& history,
                    const FunnelReport& report) {
  FunnelAnswer answer;
  const auto run = [&](const std::vector<PlainEvent>& events, const auto& begins,
                       std::map<std::string, FunnelAnswer::Row>* rows) {
    PersonFunnel funnel(history, report, events);
    funnel.SetSessions(Sessions(scenario, report.session_timeout_ms, events));
    std::vector<Attempt> attempts;
    if (report.count == FunnelCount::kSessions) {
      for (const auto& [begin, end] : Sessions(scenario, report.session_timeout_ms, events)) {
        const std::vector<Attempt> inside = funnel.Attempts(begin, end, begins);
        if (!inside.empty()) {
          attempts.push_back(inside.front());
        }
      }
    } else {
      attempts = funnel.Attempts(0, events.size(), begins);
    }
    std::set<std::string> counted;
    for (const Attempt& attempt : attempts) {
      const bool once = report.count == FunnelCount::kUniques;
      if (!HoldsFor(history, report.global_where, events[attempt.events[0]])) {
        continue;
      }
      std::vector<std::string> segments{"*"};
      if (!report.breakdown.empty()) {
        segments.push_back(Segment(history, report, events, attempt));
      }
      for (const std::string& segment : segments) {
        if (!once || counted.insert(segment).second) {
          AddTo(&(*rows)[segment], report, events, attempt);
        }
      }
    }
  };
  for (const auto& [person, events] : history.people) {
    if (person.IsNobody()) {
      continue;
    }
    run(
        events, [&](int64_t time_ms) { return InDays(scenario, time_ms); }, &answer.rows);
    std::set<std::string> days;
    for (const PlainEvent& event : events) {
      if (InDays(scenario, event.time_ms)) {
        days.insert(BucketText(scenario, event.time_ms, *report.unit, report.interval));
      }
    }
    for (const std::string& day : days) {
      std::map<std::string, FunnelAnswer::Row> rows = answer.rows_by_day[day];
      const auto begins = [&](int64_t time_ms) {
        return InDays(scenario, time_ms) &&
               BucketText(scenario, time_ms, *report.unit, report.interval) == day;
      };
      run(events, begins, &rows);
      answer.rows_by_day[day] = std::move(rows);
    }
  }
  for (auto& [segment, row] : answer.rows) {
    Finish(&row, true);
  }
  for (auto& [day, rows] : answer.rows_by_day) {
    for (auto& [segment, row] : rows) {
      Finish(&row, false);  // of the whole range only
    }
  }
  std::erase_if(answer.rows_by_day, [](const auto& day) { return day.second.empty(); });
  return answer;
}

}  // namespace bulkhead::oracle
