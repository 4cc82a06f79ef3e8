#include "sieve/compiled_policy.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "sieve/policy_defaults.h"

namespace bulkhead {
namespace {

uint64_t NextId() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1);
}

bool Matches(const PolicyRule& rule, const CompiledProject::Property& property) {
  switch (rule.by) {
    case PolicyRule::By::kProperty:
      return rule.pattern == property.name;
    case PolicyRule::By::kPath:
      return rule.pattern == property.path;
    case PolicyRule::By::kGlob:
      return MatchesGlob(rule.pattern, property.path);
  }
  return false;
}

// Whether the rule names something that may lie in `path`. A property by its mere name is known
// where it stands by itself or in something known.
bool MayMatchInside(const PolicyRule& rule, std::string_view path) {
  if (rule.by == PolicyRule::By::kProperty) return false;
  std::string_view literal = rule.pattern;
  if (rule.by == PolicyRule::By::kGlob) literal = literal.substr(0, literal.find_first_of("*?"));
  const size_t both = std::min(literal.size(), path.size());
  if (literal.substr(0, both) != path.substr(0, both)) return false;
  if (literal.size() <= path.size()) return rule.by == PolicyRule::By::kGlob;
  return literal[path.size()] == '.' || literal[path.size()] == '[';
}

// The rule's decision where it is stricter than the standard or says why it is not.
bool Apply(const PolicyRule& rule, PropertyDecision* decision) {
  const Weakening weakening = WeakeningOf(decision->name, rule.action);
  if (weakening == Weakening::kOfSecret ||
      (weakening == Weakening::kOfPersonal && rule.reason.empty())) {
    return false;
  }
  NameDecision* name = &decision->name;
  const bool coarse =
      name->value_class == ValueClass::kUserAgent || name->value_class == ValueClass::kCoordinate;
  if (rule.action == Action::kKeep && coarse) {
    name->value_class =
        name->value_class == ValueClass::kUserAgent ? ValueClass::kVersion : ValueClass::kText;
  }
  // Those two kinds know better how to be coarse.
  const Action action = rule.action == Action::kCoarsen && coarse ? Action::kKeep : rule.action;
  if (!rule.allow_plain.empty()) decision->allow_plain = &rule.allow_plain;
  if (action == name->action) return true;
  name->action = action;
  name->rule = "policy";
  if (name->kind.empty()) name->kind = "value";
  decision->by_policy = true;
  return true;
}

}  // namespace

CompiledProject::CompiledProject(const ProjectPolicy& policy)
    : id_(NextId()),
      policy_(policy),
      is_default_(policy.rules.empty() && !policy.allow_list && policy.allow_query.empty()),
      names_events_(std::ranges::any_of(
          policy.rules, [](const PolicyRule& rule) { return !rule.event.empty(); })) {}

std::vector<const PolicyRule*> CompiledProject::RulesOfEvent(std::string_view event) const {
  std::vector<const PolicyRule*> rules;
  for (const PolicyRule& rule : policy_.rules) {
    const bool holds = rule.event.empty() || MatchesGlob(rule.event, event);
    if (holds && rule.on != PolicyRule::On::kProfiles) rules.push_back(&rule);
  }
  return rules;
}

std::vector<const PolicyRule*> CompiledProject::RulesOfProfiles() const {
  std::vector<const PolicyRule*> rules;
  for (const PolicyRule& rule : policy_.rules) {
    if (rule.on != PolicyRule::On::kEvents) rules.push_back(&rule);
  }
  return rules;
}

bool CompiledProject::IsAllowed(const Property& property) const {
  if (policy_.allow_standard && IsStandardProperty(property.path)) return true;
  return std::ranges::any_of(policy_.allow, [&](const std::string& pattern) {
    return MatchesGlob(pattern, property.path);
  });
}

PropertyDecision CompiledProject::Decide(const std::vector<const PolicyRule*>& rules,
                                         const Property& property) const {
  PropertyDecision decision;
  decision.name = DecideByName(property.name, property.profile);
  const auto first =
      std::ranges::find_if(rules, [&](const PolicyRule* rule) { return Matches(*rule, property); });
  // One that may not open this name does not make it known either.
  const bool applied = first != rules.end() && Apply(**first, &decision);
  decision.covers = applied || property.known || !policy_.allow_list || IsAllowed(property);
  if (decision.covers) return decision;
  decision.leads_on = std::ranges::any_of(
      rules, [&](const PolicyRule* rule) { return MayMatchInside(*rule, property.path); });
  decision.unknown = true;
  return decision;
}

CompiledPolicy::CompiledPolicy(Policy policy, uint32_t version, std::string hash)
    : policy_(std::move(policy)),
      version_(version),
      hash_(std::move(hash)),
      others_(std::make_unique<CompiledProject>(policy_.everywhere.value_or(ProjectPolicy()))) {
  for (const auto& [id, project] : policy_.projects) {
    projects_.emplace(id, std::make_unique<CompiledProject>(project));
  }
}

const CompiledProject& CompiledPolicy::Of(ProjectId project) const {
  const auto own = projects_.find(project);
  return own == projects_.end() ? *others_ : *own->second;
}

}  // namespace bulkhead
