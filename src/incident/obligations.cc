#include "incident/obligations.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "incident/obligation_conditions.h"
#include "incident/obligations_parser.h"
#include "sieve/field_classes.h"

namespace bulkhead {
namespace {

using Unit = ObligationLimit::Unit;

std::string UnitText(const ObligationLimit& limit) {
  switch (limit.unit) {
    case Unit::kNone:
      break;
    case Unit::kHours:
      return fmt::format("{} h", limit.count);
    case Unit::kDays:
      return fmt::format("{} days", limit.count);
    case Unit::kBusinessDays:
      return fmt::format("{} business days", limit.count);
    case Unit::kMonths:
      return fmt::format("{} {}", limit.count, limit.count == 1 ? "month" : "months");
  }
  return "without undue delay";
}

// What starts a limit: a clock of the situation, or another duty.
struct Start {
  std::string name;
  int64_t time_ms = 0;
  bool projected = false;
};

// Clocks of one rule, with what the rules before it came to.
class RuleClock {
 public:
  RuleClock(const ObligationFile& file, const Situation& situation,
            const std::vector<Obligation>& before)
      : file_(file), situation_(situation), before_(before) {}

  // Fills in state, due time and basis of a rule whose conditions are met.
  void Count(const ObligationRule& rule, Obligation* out) const {
    const std::optional<Start> start = StartOf(rule.limits.front(), out);
    if (!start || !InForceAt(rule, start->time_ms, out)) return;
    out->state = ObligationState::kDue;
    std::vector<std::string> sums;
    for (const ObligationLimit& limit : rule.limits) AddLimit(limit, out, &sums);
    if (!out->due_ms && out->state == ObligationState::kDue && !rule.wording.empty()) {
      sums.push_back(rule.wording);
    }
    out->basis = fmt::format("{}", fmt::join(sums, "; "));
    Settle(rule, out);
  }

 private:
  std::optional<Start> StartOf(const ObligationLimit& limit, Obligation* out) const {
    if (!limit.after.empty()) return StartAfter(limit.after, out);
    std::optional<Start> earliest;
    for (const std::string& clock : limit.clocks) {
      const auto found = situation_.clocks.find(clock);
      if (found == situation_.clocks.end()) continue;
      if (!earliest || found->second < earliest->time_ms) earliest = {clock, found->second};
    }
    if (!earliest) {
      out->state = ObligationState::kWaiting;
      out->why = fmt::format("its clock has not started: {}", fmt::join(limit.clocks, ", "));
    }
    return earliest;
  }

  std::optional<Start> StartAfter(const std::string& id, Obligation* out) const {
    if (const auto done = situation_.done.find(id); done != situation_.done.end()) {
      return Start{id, done->second};
    }
    const auto other =
        std::ranges::find_if(before_, [&](const Obligation& one) { return one.id == id; });
    if (other != before_.end() && other->state == ObligationState::kNotApplicable) {
      out->state = ObligationState::kNotApplicable;
      out->why = "it follows " + id + ", which does not apply";
    } else if (other != before_.end() && other->due_ms) {
      return Start{id, *other->due_ms, true};
    } else {
      out->state = ObligationState::kWaiting;
      out->why = "it follows " + id + ", which has no time yet";
    }
    return std::nullopt;
  }

  static bool InForceAt(const ObligationRule& rule, int64_t time_ms, Obligation* out) {
    const auto day = std::chrono::floor<std::chrono::days>(
        std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(time_ms)));
    if (rule.from && day < *rule.from) {
      out->why = "in force from " + FormatDate(*rule.from) + " only";
    } else if (rule.until && day > *rule.until) {
      out->why = "in force until " + FormatDate(*rule.until) + " only";
    } else {
      return true;
    }
    out->state = ObligationState::kNotApplicable;
    return false;
  }

  void AddLimit(const ObligationLimit& limit, Obligation* out,
                std::vector<std::string>* sums) const {
    Obligation scratch;
    const std::optional<Start> start = StartOf(limit, &scratch);
    if (!start) return;
    const std::string from = fmt::format("{} {}{}", start->name, FormatTime(start->time_ms),
                                         start->projected ? " (its latest time)" : "");
    const std::optional<int64_t> due = LimitAt(limit, start->time_ms);
    if (!due) {
      const bool open = limit.unit == Unit::kNone;
      sums->push_back(open ? fmt::format("from {}", from)
                           : fmt::format("{} + {}: beyond the calendar of the data file", from,
                                         UnitText(limit)));
      return;
    }
    std::string sum = fmt::format("{} + {} = {}", from, UnitText(limit), FormatTime(*due));
    if (const auto later = situation_.clocks.find(limit.unless_later);
        later != situation_.clocks.end() && later->second > *due) {
      sums->push_back(sum + ", void since " + limit.unless_later + " came later");
      return;
    }
    sums->push_back(std::move(sum));
    if (!out->due_ms || *due < *out->due_ms) {
      out->due_ms = due;
      out->projected = start->projected;
    }
  }

  [[nodiscard]] std::optional<int64_t> LimitAt(const ObligationLimit& limit,
                                               int64_t start_ms) const {
    switch (limit.unit) {
      case Unit::kNone:
        break;
      case Unit::kHours:
        return start_ms + limit.count * kHourMs;
      case Unit::kDays:
        return start_ms + limit.count * kDayMs;
      case Unit::kBusinessDays:
        return BusinessDaysAfter(start_ms, limit.count, file_.calendar);
      case Unit::kMonths:
        return AddMonths(start_ms, limit.count);
    }
    return std::nullopt;
  }

  void Settle(const ObligationRule& rule, Obligation* out) const {
    if (const auto done = situation_.done.find(rule.id); done != situation_.done.end()) {
      out->state = ObligationState::kDone;
      out->late = out->due_ms && done->second > *out->due_ms;
      out->basis += "; done " + FormatTime(done->second) + (out->late ? ", late" : "");
    } else if (out->due_ms && situation_.now_ms > *out->due_ms) {
      out->state = ObligationState::kPassed;
    }
  }

  const ObligationFile& file_;
  const Situation& situation_;
  const std::vector<Obligation>& before_;
};

}  // namespace

std::string_view ObligationStateName(ObligationState state) {
  switch (state) {
    case ObligationState::kDue:
      return "due";
    case ObligationState::kPassed:
      return "passed";
    case ObligationState::kDone:
      return "done";
    case ObligationState::kWaiting:
      return "waiting";
    case ObligationState::kNotApplicable:
      return "not applicable";
  }
  return "";
}

Result<Obligations> Obligations::Load(std::string_view text, std::string_view file) {
  Result<ObligationFile> parsed = ParseObligations(text, file);
  if (!parsed) return parsed.error();
  return Obligations(std::move(parsed).value());
}

Result<void> Obligations::CheckNames(const Situation& situation) const {
  const auto wrong = [](std::string_view what) {
    return Error{ErrorCode::kInvalid,
                 fmt::format("the situation names {} that is not known", what)};
  };
  if (!std::ranges::all_of(situation.roles,
                           [&](const auto& one) { return file_.roles.contains(one); })) {
    return wrong("a role");
  }
  if (!std::ranges::all_of(situation.clocks,
                           [&](const auto& one) { return file_.clocks.contains(one.first); })) {
    return wrong("a clock");
  }
  if (!std::ranges::all_of(situation.classes, [](const auto& one) { return IsFieldClass(one); })) {
    return wrong("a class of fields");
  }
  if (!std::ranges::all_of(situation.done, [&](const auto& one) {
        return std::ranges::any_of(file_.rules,
                                   [&](const auto& rule) { return rule.id == one.first; });
      })) {
    return wrong("an obligation");
  }
  return {};
}

Result<std::vector<Obligation>> Obligations::Apply(const Situation& situation) const {
  if (Result<void> names = CheckNames(situation); !names) return names.error();
  std::vector<Obligation> obligations;
  for (const ObligationRule& rule : file_.rules) {
    Obligation one;
    one.id = rule.id;
    one.regime = rule.regime;
    one.article = rule.article;
    one.who = rule.who;
    one.whom = rule.whom;
    ConditionFinding finding = CheckConditions(file_, rule, situation);
    one.assumed = std::move(finding.assumed);
    if (finding.not_applicable) {
      one.why = std::move(*finding.not_applicable);
    } else if (finding.waiting) {
      one.state = ObligationState::kWaiting;
      one.why = std::move(*finding.waiting);
    } else {
      RuleClock(file_, situation, obligations).Count(rule, &one);
      if (one.why.empty()) {
        one.basis += fmt::format("; {}", fmt::join(finding.met, "; "));
      }
    }
    obligations.push_back(std::move(one));
  }
  return obligations;
}

}  // namespace bulkhead
