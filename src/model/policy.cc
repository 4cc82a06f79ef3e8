#include "model/policy.h"

#include <array>
#include <utility>

namespace bulkhead {
namespace {

constexpr std::array<std::pair<Action, std::string_view>, 7> kActionNames{{
    {Action::kKeep, "keep"},
    {Action::kCoarsen, "coarsen"},
    {Action::kToken, "token"},
    {Action::kSeal, "seal"},
    {Action::kDrop, "drop"},
    {Action::kRedact, "redact"},
    {Action::kTokenAndSeal, "token+seal"},
}};

// How little is left of a value: of a token its equality, of a sealed one what the vault may tell.
int Strictness(Action action) {
  switch (action) {
    case Action::kKeep:
      return 0;
    case Action::kCoarsen:
      return 1;
    case Action::kTokenAndSeal:
      return 2;
    case Action::kToken:
    case Action::kSeal:
      return 3;
    case Action::kRedact:
    case Action::kDrop:
      return 4;
  }
  return 0;
}

}  // namespace

std::string_view ActionName(Action action) {
  for (const auto& [known, name] : kActionNames) {
    if (known == action) return name;
  }
  return "keep";
}

std::optional<Action> ActionNamed(std::string_view name) {
  for (const auto& [action, known] : kActionNames) {
    if (known == name) return action;
  }
  return std::nullopt;
}

bool IsWeaker(Action left, Action right) {
  if (left == right) return false;
  // Neither of these two holds what the other does: a change from one to the other opens something.
  const bool other_kind = (left == Action::kToken && right == Action::kSeal) ||
                          (left == Action::kSeal && right == Action::kToken);
  return other_kind || Strictness(left) < Strictness(right);
}

std::string_view ConsentAnswerName(ConsentAnswer answer) {
  switch (answer) {
    case ConsentAnswer::kDrop:
      return "drop";
    case ConsentAnswer::kWithoutPerson:
      return "without-person";
    default:
      return "ignore";
  }
}

bool MatchesGlob(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;  // the last `*` seen, and where the text stood then
  size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

const ProjectPolicy& Policy::Of(ProjectId project) const {
  static const ProjectPolicy defaults;
  const auto own = projects.find(project);
  if (own != projects.end()) return own->second;
  return everywhere ? *everywhere : defaults;
}

int RetentionDays(const RetentionPolicy& retention, std::string_view event) {
  for (const EventRetention& one : retention.events) {
    if (MatchesGlob(one.event, event)) return one.days;
  }
  return retention.days;
}

}  // namespace bulkhead
