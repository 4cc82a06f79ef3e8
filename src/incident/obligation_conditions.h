// Whether a rule concerns a situation at all, before any clock is looked at.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "incident/obligations.h"

namespace bulkhead {

struct ConditionFinding {
  std::optional<std::string> not_applicable;  // why
  std::optional<std::string> waiting;         // for what
  std::vector<std::string> met;               // what made it apply
  std::vector<std::string> assumed;
};

ConditionFinding CheckConditions(const ObligationFile& file, const ObligationRule& rule,
                                 const Situation& situation);

}  // namespace bulkhead
