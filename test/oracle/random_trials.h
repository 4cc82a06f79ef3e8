// Parts of random reports, and trials of them on many random histories: a failure prints the seed
// and the smallest history that still disagrees. BULKHEAD_ORACLE_SEEDS sets how many seeds each
// report gets.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include "oracle/history.h"
#include "wire/expression_parser.h"

namespace bulkhead::oracle {

inline uint64_t Seeds() {
  const char* text = std::getenv("BULKHEAD_ORACLE_SEEDS");
  return text == nullptr ? 400 : std::strtoull(text, nullptr, 10);
}

inline SharedExpression Where(Random* random) {
  static const char* const kTexts[] = {R"(properties["n"] > 1)", R"("a" in properties["p"])",
                                       R"(user["tier"] == "gold")",
                                       R"(not defined(properties["p"]) or properties["n"] < 3)"};
  const int64_t pick = Pick(random, 0, 11);
  if (pick > 3) {
    return nullptr;
  }
  return std::make_shared<const Expression>(*ParseExpression(kTexts[pick]));
}

inline EventSelector Selector(Random* random, bool any_allowed) {
  static const char* const kNames[] = {"A", "B", "C", "X", ""};
  return {kNames[Pick(random, 0, any_allowed ? 4 : 3)], Where(random)};
}

inline PropertyRef Property(Random* random) {
  PropertyRef property;
  const int64_t pick = Pick(random, 0, 3);
  property.of_user = pick == 0;
  property.name = pick == 0 ? "tier" : pick == 1 ? "n" : "p";
  return property;
}

// Mostly days.
inline void RandomUnit(Random* random, TimeUnit* unit, int* interval) {
  static const TimeUnit kUnits[] = {TimeUnit::kDay, TimeUnit::kDay, TimeUnit::kWeek,
                                    TimeUnit::kMonth};
  *unit = kUnits[Pick(random, 0, 3)];
  *interval = Pick(random, 0, 2) == 0 ? static_cast<int>(Pick(random, 2, 3)) : 1;
}

// A test on one scenario: empty = agreed, else what differs.
using Trial = std::function<std::string(const Scenario&)>;

inline void Explain(uint64_t seed, Scenario scenario, const Trial& trial) {
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (size_t i = 0; i < scenario.events.size(); ++i) {
      Scenario less = scenario;
      less.events.erase(less.events.begin() + static_cast<ptrdiff_t>(i));
      if (!trial(less).empty()) {
        scenario = std::move(less);
        smaller = true;
        break;
      }
    }
  }
  FAIL() << "seed " << seed << "\n" << Describe(scenario) << trial(scenario);
}

// make(random, scenario) gives the trial of one seed.
template <typename Make>
void RunSeeds(const Make& make) {
  for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
    const Scenario scenario = MakeScenario(seed);
    Random random(seed * 7919);
    const Trial trial = make(&random, scenario);
    if (!trial(scenario).empty()) {
      Explain(seed, scenario, trial);
      return;
    }
  }
}

}  // namespace bulkhead::oracle
