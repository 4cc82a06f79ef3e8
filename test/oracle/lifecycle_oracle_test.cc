// Lifecycles of the engine and of the oracle agree on many small random histories.
#include <gtest/gtest.h>

#include "oracle/engine_world.h"
#include "oracle/random_trials.h"

namespace bulkhead::oracle {
namespace {

TEST(Oracle, Lifecycles) {
  uint64_t counted = 0;
  RunSeeds([&](Random* random, const Scenario& scenario) -> Trial {
    LifecycleReport report;
    report.range = {scenario.from, scenario.to, ""};
    report.selector = Selector(random, true);
    static const TimeUnit kUnits[] = {TimeUnit::kDay, TimeUnit::kWeek, TimeUnit::kMonth};
    report.unit = kUnits[Pick(random, 0, 2)];
    return [&counted, report](const Scenario& some) -> std::string {
      const Result<LifecycleResult> answer = EngineWorld(some).engine().Lifecycle(report);
      if (!answer) {
        return answer.error().message;
      }
      for (const LifecycleBucket& bucket : answer->buckets) counted += bucket.dormant;
      const std::string expected = Lifecycle(some, Replay(some), report);
      const std::string found = LifecycleText(*answer);
      return found == expected ? "" : "expected\n" + expected + "found\n" + found;
    };
  });
  EXPECT_GT(counted, Seeds() / 10);
}

}  // namespace
}  // namespace bulkhead::oracle
