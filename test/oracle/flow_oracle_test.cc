// Flows of the engine and of the oracle agree on many small random histories.
#include <gtest/gtest.h>

#include "oracle/engine_world.h"
#include "oracle/random_trials.h"

namespace bulkhead::oracle {
namespace {

FlowReport RandomFlow(Random* random, const Scenario& scenario) {
  FlowReport report;
  report.range = {scenario.from, scenario.to, ""};
  for (int64_t a = Pick(random, 1, 3); a > 0; --a) {
    FlowAnchor& anchor = report.anchors.emplace_back();
    anchor.selector = Selector(random, false);
    anchor.before = static_cast<size_t>(Pick(random, 0, 2));
    anchor.after = static_cast<size_t>(Pick(random, 0, 3));
  }
  report.rows = static_cast<size_t>(Pick(random, 1, 3));
  report.paths = static_cast<size_t>(Pick(random, 0, 4));
  static const int64_t kWindows[] = {3000, 3'600'000, 86'400'000, 7 * 86'400'000LL};
  report.window_ms = kWindows[Pick(random, 0, 3)];
  report.count = static_cast<FlowCount>(Pick(random, 1, 3));
  for (int64_t e = Pick(random, 0, 2); e > 0; --e) {
    report.exclude.push_back(Selector(random, false));
  }
  if (Pick(random, 0, 2) == 0) {
    report.hold.emplace_back(Pick(random, 0, 1) == 0 ? "p" : "n");
  }
  if (Pick(random, 0, 1) == 0) {
    PropertyRef property;
    property.name = Pick(random, 0, 1) == 0 ? "p" : "n";
    report.expand.push_back({std::string(1, "ABCX"[Pick(random, 0, 3)]), property});
  }
  report.global_where = Where(random);
  return report;
}

TEST(Oracle, Flows) {
  size_t entered = 0;
  RunSeeds([&](Random* random, const Scenario& scenario) -> Trial {
    return [&entered, report = RandomFlow(random, scenario)](const Scenario& some) -> std::string {
      const Result<FlowResult> answer = EngineWorld(some).engine().Flow(report);
      if (!answer) {
        return answer.error().message;
      }
      if (answer->anchors.front().count == 0 && !(answer->links.empty() && answer->paths.empty())) {
        return "nobody entered, and there are paths";
      }
      entered += answer->anchors.front().count;
      const std::string expected = Flow(some, Replay(some), report);
      const std::string found = FlowText(*answer);
      return found == expected ? "" : "expected\n" + expected + "found\n" + found;
    };
  });
  EXPECT_GT(entered, Seeds() / 2);  // histories in which nothing happens would prove nothing
}

}  // namespace
}  // namespace bulkhead::oracle
