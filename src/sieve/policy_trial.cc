#include "sieve/policy_trial.h"

#include <algorithm>
#include <utility>

namespace bulkhead {
namespace {

using Actions = std::map<std::string, Action>;

// One action for each path: the one that leaves least.
Actions ByPath(std::span<const Finding> findings) {
  Actions actions;
  for (const Finding& finding : findings) {
    const auto [entry, is_new] = actions.emplace(finding.path, finding.action);
    if (!is_new && IsWeaker(entry->second, finding.action)) entry->second = finding.action;
  }
  return actions;
}

Action At(const Actions& actions, const std::string& path) {
  const auto found = actions.find(path);
  return found == actions.end() ? Action::kKeep : found->second;
}

}  // namespace

void PolicyTrial::Compare(Sample sample, std::span<const Finding> before) {
  const SieveScope scope{&candidate_->Of(sample.project), sample.event};
  CleanOutcome outcome;
  if (sample.profile) {
    sieve_->CleanProfileProperties(&sample.properties, &outcome, scope);
  } else {
    sieve_->CleanEventProperties(&sample.properties, &outcome, scope);
  }
  const Actions old_actions = ByPath(before);
  const Actions new_actions = ByPath(outcome.findings);
  Actions all = old_actions;
  all.insert(new_actions.begin(), new_actions.end());
  const std::lock_guard lock(mutex_);
  TrialCounts& counts = counts_[sample.project];
  ++counts.seen;
  bool differs = false;
  for (const auto& [path, any] : all) {
    const Action was = At(old_actions, path);
    const Action becomes = At(new_actions, path);
    if (was == becomes) continue;
    differs = true;
    Key key(sample.project, path, was, becomes);
    const auto known = differences_.find(key);
    if (known != differences_.end()) {
      ++known->second;
    } else if (differences_.size() < kMaxDifferences) {
      differences_.emplace(std::move(key), 1);
    } else {
      truncated_ = true;
    }
  }
  if (differs) ++counts.changed;
}

TrialResult PolicyTrial::result() const {
  const std::lock_guard lock(mutex_);
  TrialResult result;
  result.projects = counts_;
  for (const auto& [project, counts] : counts_) {
    result.seen += counts.seen;
    result.changed += counts.changed;
  }
  result.truncated = truncated_;
  for (const auto& [key, events] : differences_) {
    const auto& [project, path, was, becomes] = key;
    result.differences.push_back({project, path, was, becomes, events});
  }
  std::ranges::stable_sort(result.differences, std::ranges::greater(), &TrialDifference::events);
  return result;
}

std::string DifferenceJson(const TrialDifference& difference) {
  std::string json = R"({"project":)" + std::to_string(difference.project.value) + R"(,"path":)";
  AppendJsonString(difference.path, &json);
  json += R"(,"before":)";
  AppendJsonString(ActionName(difference.before), &json);
  json += R"(,"after":)";
  AppendJsonString(ActionName(difference.after), &json);
  return json + R"(,"events":)" + std::to_string(difference.events) + "}";
}

std::string TrialJson(const TrialResult& result) {
  std::string json = R"({"seen":)" + std::to_string(result.seen);
  json += R"(,"changed":)" + std::to_string(result.changed);
  json += result.truncated ? R"(,"truncated":true)" : R"(,"truncated":false)";
  json += R"(,"differences":[)";
  for (const TrialDifference& one : result.differences) {
    if (&one != &result.differences.front()) json += ',';
    json += DifferenceJson(one);
  }
  return json + "]}";
}

}  // namespace bulkhead
