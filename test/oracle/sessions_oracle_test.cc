// Sessions of the engine and of the oracle agree on many small random histories.
#include <gtest/gtest.h>

#include "oracle/engine_world.h"
#include "oracle/random_trials.h"

namespace bulkhead::oracle {
namespace {

TEST(Oracle, Sessions) {
  uint64_t counted = 0;
  RunSeeds([&](Random* random, const Scenario& scenario) -> Trial {
    SessionsReport report;
    report.range = {scenario.from, scenario.to, ""};
    RandomUnit(random, &report.unit, &report.interval);
    static const int64_t kTimeouts[] = {60'000, 1'800'000, 86'400'000};
    report.timeout_ms = kTimeouts[Pick(random, 0, 2)];
    if (Pick(random, 0, 2) == 0) {
      report.exclude.push_back(Selector(random, false));
    }
    report.where = Where(random);
    for (int64_t b = Pick(random, 0, 2); b > 0; --b) {
      report.breakdown.push_back(Property(random));
    }
    return [&counted, report](const Scenario& some) -> std::string {
      const Result<SessionsResult> answer = EngineWorld(some).engine().Sessions(report);
      if (!answer) {
        return answer.error().message;
      }
      for (const SessionsSeries& series : answer->series) counted += series.overall.sessions;
      const std::string expected = SessionsOf(some, Replay(some), report);
      const std::string found = SessionsText(*answer);
      return found == expected ? "" : "expected\n" + expected + "found\n" + found;
    };
  });
  EXPECT_GT(counted, Seeds());
}

}  // namespace
}  // namespace bulkhead::oracle
