#include "incident/obligation_conditions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace bulkhead {
namespace {

// In taxonomies and places alike: user.name holds user.name.first, US holds US-CA.
bool Holds(std::string_view outer, std::string_view inner, char separator) {
  return inner.starts_with(outer) &&
         (inner.size() == outer.size() || inner[outer.size()] == separator);
}

enum class Match : unsigned char { kNo = 0, kPossible, kYes };

struct FieldMatch {
  Match match = Match::kNo;
  std::set<std::string> classes;
};

// A field whose class is coarser than the wanted one may hold it.
FieldMatch MatchGroup(const std::vector<std::string>& group, const std::set<std::string>& exposed) {
  FieldMatch best;
  for (const std::string& one : exposed) {
    Match match = Match::kNo;
    for (const std::string& wanted : group) {
      if (Holds(wanted, one, '.')) {
        match = Match::kYes;
      } else if (Holds(one, wanted, '.')) {
        match = std::max(match, Match::kPossible);
      }
    }
    if (match > best.match) best = {match, {}};
    if (match == best.match && match != Match::kNo) best.classes.insert(one);
  }
  return best;
}

FieldMatch MatchSet(const FieldSet& set, const std::set<std::string>& exposed) {
  FieldMatch all{Match::kYes, {}};
  for (const auto& group : set) {
    FieldMatch one = MatchGroup(group, exposed);
    all.match = std::min(all.match, one.match);
    all.classes.merge(one.classes);
  }
  return all;
}

void CheckFields(const ObligationFile& file, const ObligationRule& rule, const Situation& situation,
                 ConditionFinding* finding) {
  if (rule.field_sets.empty()) return;
  FieldMatch best;
  std::string name;
  for (const std::string& set : rule.field_sets) {
    FieldMatch match = MatchSet(file.field_sets.at(set), situation.classes);
    if (match.match > best.match) {
      best = std::move(match);
      name = set;
    }
  }
  if (best.match == Match::kNo) {
    finding->not_applicable =
        fmt::format("the exposed fields make up none of: {}", fmt::join(rule.field_sets, ", "));
    return;
  }
  finding->met.push_back(fmt::format("fields: {} ({})", name, fmt::join(best.classes, ", ")));
  if (best.match == Match::kPossible) {
    finding->assumed.push_back(fmt::format("a field of a class this broad may hold it: {}", name));
  }
}

struct PersonCount {
  uint64_t certain = 0;   // known to live there
  uint64_t possible = 0;  // whose residence is not known well enough
  bool unknown = false;   // nothing is known of anybody's
};

bool LivesIn(const std::string& place, const std::vector<std::string>& places) {
  return std::ranges::any_of(places,
                             [&](const std::string& one) { return Holds(one, place, '-'); });
}

PersonCount CountPersons(const std::vector<std::string>& places, const Situation& situation) {
  PersonCount count;
  count.unknown = situation.persons.empty();
  for (const auto& [place, persons] : situation.persons) {
    if (places.empty() || LivesIn(place, places)) {
      count.certain += persons;
    } else if (place.empty() || std::ranges::any_of(places, [&](const std::string& one) {
                 return Holds(place, one, '-');
               })) {
      count.possible += persons;
    }
  }
  return count;
}

void CheckPlaces(const ObligationRule& rule, const Situation& situation,
                 ConditionFinding* finding) {
  const auto ours = std::ranges::find_if(situation.established, [&](const std::string& place) {
    return LivesIn(place, rule.established);
  });
  if (ours != situation.established.end()) {
    finding->met.push_back("established in " + *ours);
    return;
  }
  if (rule.residence.empty()) {
    if (rule.established.empty()) return;
    finding->not_applicable = "we are not established where it applies";
    return;
  }
  const PersonCount count = CountPersons(rule.residence, situation);
  if (count.certain > 0) {
    finding->met.push_back(fmt::format("{} persons live where it applies", count.certain));
  } else if (count.possible > 0 || count.unknown) {
    finding->assumed.emplace_back("persons of unknown residence live where it applies");
  } else {
    finding->not_applicable = "nobody concerned lives where it applies";
  }
}

void CheckNumber(const ObligationRule& rule, const Situation& situation,
                 ConditionFinding* finding) {
  if (rule.persons_at_least == 0) return;
  const PersonCount count = CountPersons(rule.residence, situation);
  if (count.certain >= rule.persons_at_least) {
    finding->met.push_back(
        fmt::format("{} persons, at least {}", count.certain, rule.persons_at_least));
  } else if (count.unknown || count.certain + count.possible >= rule.persons_at_least) {
    finding->assumed.push_back(
        fmt::format("at least {} persons live where it applies", rule.persons_at_least));
  } else {
    finding->not_applicable = fmt::format("{} persons; it begins at {}",
                                          count.certain + count.possible, rule.persons_at_least);
  }
}

void CheckRisk(const ObligationRule& rule, const Situation& situation, ConditionFinding* finding) {
  if (rule.least_risk == Risk::kNotAssessed) return;
  if (situation.risk == Risk::kNotAssessed) {
    if (rule.least_risk == Risk::kHigh) {
      finding->waiting = "whether the risk to persons is high has not been assessed";
    } else {
      finding->assumed.emplace_back("a risk to persons, which has not been assessed");
    }
  } else if (situation.risk < rule.least_risk) {
    finding->not_applicable = rule.least_risk == Risk::kHigh
                                  ? "the risk to persons was assessed as not high"
                                  : "a risk to persons was assessed as unlikely";
  }
}

std::optional<std::string> StatusFault(const ObligationRule& rule) {
  switch (rule.status) {
    case ObligationRule::Status::kInForce:
      return std::nullopt;
    case ObligationRule::Status::kPending:
      return "not in force yet: its rule is pending";
    case ObligationRule::Status::kProposal:
      return "a proposal, not law: never counted";
  }
  return std::nullopt;
}

}  // namespace

ConditionFinding CheckConditions(const ObligationFile& file, const ObligationRule& rule,
                                 const Situation& situation) {
  ConditionFinding finding;
  finding.not_applicable = StatusFault(rule);
  if (finding.not_applicable) return finding;
  const auto role = std::ranges::find_if(
      rule.roles, [&](const std::string& one) { return situation.roles.contains(one); });
  if (role == rule.roles.end()) {
    finding.not_applicable =
        fmt::format("we have none of the roles: {}", fmt::join(rule.roles, ", "));
    return finding;
  }
  finding.met.push_back("role: " + *role);
  if (rule.unless_unintelligible && situation.unintelligible) {
    finding.not_applicable = "the data is unintelligible to whoever has it";
    return finding;
  }
  CheckFields(file, rule, situation, &finding);
  if (!finding.not_applicable) CheckPlaces(rule, situation, &finding);
  if (!finding.not_applicable) CheckNumber(rule, situation, &finding);
  if (!finding.not_applicable) CheckRisk(rule, situation, &finding);
  return finding;
}

}  // namespace bulkhead
