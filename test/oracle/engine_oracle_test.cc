// The engine and the oracles agree on thousands of small random histories. A failure prints the
// seed and the smallest history that still disagrees. BULKHEAD_ORACLE_SEEDS sets how many seeds
// each report gets.
#include <gtest/gtest.h>

#include <cmath>

#include "oracle/engine_world.h"
#include "oracle/random_trials.h"

namespace bulkhead::oracle {
namespace {

std::string Text(const FunnelAnswer& answer) {
  const auto rows = [](const std::map<std::string, FunnelAnswer::Row>& all) {
    std::string text;
    for (const auto& [segment, row] : all) {
      text += " [" + segment + "]";
      for (const FunnelStepResult& step : row.steps) {
        text += " " + std::to_string(step.count) + "/" + std::to_string(step.conversion) + "/" +
                std::to_string(step.step_conversion);
        // To the microsecond, since a percentile may lie between two milliseconds.
        for (const double seconds : {step.from_previous.average_s, step.from_previous.median_s,
                                     step.from_previous.p90_s, step.from_start.average_s}) {
          text += std::isnan(seconds) ? "/-" : "/" + std::to_string(std::llround(seconds * 1e6));
        }
      }
    }
    return text;
  };
  std::string text = rows(answer.rows) + "\n";
  for (const auto& [date, all] : answer.rows_by_day) {
    text += date + rows(all) + "\n";
  }
  return text;
}

FunnelReport RandomFunnel(Random* random, const Scenario& scenario) {
  FunnelReport report;
  report.range = {scenario.from, scenario.to, ""};
  const int64_t steps = Pick(random, 2, 4);
  for (int64_t s = 0; s < steps; ++s) {
    report.steps.push_back(Selector(random, false));
  }
  static const int64_t kWindows[] = {3000, 3'600'000, 7'200'000, 86'400'000, 7 * 86'400'000LL};
  report.window_ms = kWindows[Pick(random, 0, 4)];
  report.count = static_cast<FunnelCount>(Pick(random, 1, 3));
  if (Pick(random, 0, 2) == 0) {
    report.hold.emplace_back(Pick(random, 0, 1) == 0 ? "p" : "n");
  }
  report.order = static_cast<FunnelOrder>(Pick(random, 0, 1) == 0 ? 1 : Pick(random, 2, 3));
  if (report.count != FunnelCount::kSessions && Pick(random, 0, 3) == 0) {
    report.window_sessions = static_cast<int>(Pick(random, 1, 3));
  }
  if (report.order == FunnelOrder::kLoose && Pick(random, 0, 2) == 0) {
    const size_t after = static_cast<size_t>(Pick(random, 0, steps - 2));
    report.exclude.push_back({Selector(random, false), after, after + 1});
  }
  for (int64_t b = Pick(random, 0, 2); b > 0; --b) {
    FunnelBreakdown breakdown;
    breakdown.property = Property(random);
    breakdown.attribution = static_cast<FunnelBreakdown::Attribution>(Pick(random, 1, 3));
    breakdown.step = static_cast<size_t>(Pick(random, 0, steps - 1));
    report.breakdown.push_back(breakdown);
  }
  report.global_where = Where(random);
  RandomUnit(random, &report.unit.emplace(), &report.interval);
  return report;
}

TEST(Oracle, Funnels) {
  RunSeeds([](Random* random, const Scenario& scenario) -> Trial {
    return [report = RandomFunnel(random, scenario)](const Scenario& some) -> std::string {
      const std::string expected = Text(Funnel(some, Replay(some), report));
      const std::string found = Text(EngineFunnel(EngineWorld(some).engine(), report));
      if (found == expected) {
        return "";
      }
      std::string steps;
      for (const EventSelector& step : report.steps) {
        steps += " " + step.event + (step.where != nullptr ? "?" : "");
      }
      return "steps" + steps + ", window " + std::to_string(report.window_ms) + ", count " +
             std::to_string(static_cast<int>(report.count)) + ", order " +
             std::to_string(static_cast<int>(report.order)) + ", sessions " +
             std::to_string(report.window_sessions) + ", hold " +
             (report.hold.empty() ? "" : report.hold[0]) + ", exclude " +
             (report.exclude.empty() ? "" : report.exclude[0].selector.event) + "\nexpected" +
             expected + "found" + found;
    };
  });
}

std::string Text(const RetentionAnswer& answer) {
  std::string text;
  for (const double share : answer.average) {
    text += " " + std::to_string(share);
  }
  text += "\n";
  for (const auto& [date, segments] : answer.rows) {
    const auto complete = answer.complete.find(date);
    text += complete == answer.complete.end() ? "" : std::to_string(complete->second) + " of ";
    for (const auto& [segment, row] : segments) {
      text += date + " [" + segment + "]";
      for (const uint64_t count : row) {
        text += " " + std::to_string(count);
      }
      text += "\n";
    }
  }
  return text;
}

TEST(Oracle, Retention) {
  RunSeeds([](Random* random, const Scenario& scenario) -> Trial {
    RetentionReport report;
    report.range = {scenario.from, scenario.to, ""};
    report.born = Selector(random, true);
    report.returning = Selector(random, true);
    RandomUnit(random, &report.unit, &report.interval);
    report.buckets = static_cast<int>(Pick(random, 0, 6));
    if (Pick(random, 0, 2) == 0) {
      report.buckets = -1;
      for (int64_t b = Pick(random, 1, 4); b > 0; --b) {
        report.brackets.push_back(static_cast<int>(Pick(random, 1, 3)));
        report.buckets += report.brackets.back();
      }
    }
    report.mode = static_cast<RetentionMode>(Pick(random, 1, 4));
    report.birth = static_cast<RetentionBirth>(Pick(random, 1, 2));
    report.calendar = Pick(random, 0, 1) == 0;
    report.global_where = Where(random);
    if (Pick(random, 0, 1) == 0) {
      report.breakdown = Property(random);
    }
    return [report](const Scenario& some) -> std::string {
      const std::string expected = Text(Retention(some, Replay(some), report));
      const std::string found = Text(EngineRetention(EngineWorld(some).engine(), report));
      return found == expected
                 ? ""
                 : "born " + report.born.event + ", return " + report.returning.event +
                       ", calendar " + std::to_string(report.calendar) + ", interval " +
                       std::to_string(report.interval) + "\nexpected\n" + expected + "found\n" +
                       found;
    };
  });
}

bool Near(const InsightsAnswer& a, const InsightsAnswer& b) {
  const auto covers = [](const InsightsAnswer& all, const InsightsAnswer& part) {
    for (const auto& [segment, dates] : part) {
      for (const auto& [date, number] : dates) {
        const auto row = all.find(segment);
        const auto cell = row == all.end() ? dates.end() : row->second.find(date);
        if (row == all.end() || cell == row->second.end() ||
            std::abs(cell->second - number) > 1e-9) {
          return false;
        }
      }
    }
    return true;
  };
  return covers(a, b) && covers(b, a);
}

std::string Text(const InsightsAnswer& answer) {
  std::string text;
  for (const auto& [segment, dates] : answer) {
    text += "[" + segment + "]";
    for (const auto& [date, number] : dates) {
      text += " " + date + ": " + std::to_string(number);
    }
    text += "\n";
  }
  return text;
}

TEST(Oracle, Insights) {
  RunSeeds([](Random* random, const Scenario& scenario) -> Trial {
    InsightsReport report;
    report.range = {scenario.from, scenario.to, ""};
    InsightsMetric metric;
    metric.selector = Selector(random, true);
    metric.math = static_cast<Math>(Pick(random, 1, 12));
    metric.percentile = static_cast<double>(Pick(random, 0, 4)) * 25;
    if (metric.math >= Math::kSum && Pick(random, 0, 3) != 0) {
      metric.property = Property(random);
    } else if (metric.math >= Math::kSum && metric.math <= Math::kDistinct) {
      metric.property.name = "n";
    }
    report.metrics.push_back(metric);
    for (int64_t b = Pick(random, 0, 2); b > 0; --b) {
      report.breakdown.push_back(Property(random));
    }
    const bool rolling = metric.math >= Math::kDau && metric.math <= Math::kMau;
    static const TimeUnit kUnits[] = {TimeUnit::kDay, TimeUnit::kHour, TimeUnit::kWeek,
                                      TimeUnit::kMonth};
    report.unit = rolling ? TimeUnit::kDay : kUnits[Pick(random, 0, 3)];
    report.interval =
        !rolling && Pick(random, 0, 2) == 0 ? static_cast<int>(Pick(random, 2, 5)) : 1;
    report.global_where = Where(random);
    return [report](const Scenario& some) -> std::string {
      const InsightsAnswer expected = Insights(some, Replay(some), report);
      const InsightsAnswer found = EngineInsights(EngineWorld(some).engine(), report);
      return Near(found, expected)
                 ? ""
                 : "math " + std::to_string(static_cast<int>(report.metrics[0].math)) + " of " +
                       report.metrics[0].selector.event + "\nexpected\n" + Text(expected) +
                       "found\n" + Text(found);
    };
  });
}

SegmentationRequest RandomSegmentation(Random* random, const Scenario& scenario) {
  using Kind = SegmentationRequest::Kind;
  // The last three read more than one property, which only numbers may.
  static const char* const kOn[] = {R"(properties["p"])",
                                    R"(properties["n"])",
                                    R"(user["tier"])",
                                    R"(properties["n"] > 1)",
                                    R"(properties["n"] * 0.1)",
                                    R"(properties["n"] * properties["p"])",
                                    R"(properties["n"] / user["tier"])",
                                    R"(floor(event["$time"]) % 1000 + properties["n"])"};
  SegmentationRequest request;
  request.event = std::string(1, "ABCX"[Pick(random, 0, 3)]);
  request.range = {scenario.from, scenario.to, ""};
  request.kind = static_cast<Kind>(Pick(random, 1, 4));
  request.type = static_cast<CountType>(Pick(random, 1, 3));
  request.where = Where(random);
  const bool series = request.kind == Kind::kSeries;
  if (!series || Pick(random, 0, 3) != 0) {
    request.on =
        std::make_shared<const Expression>(*ParseExpression(kOn[Pick(random, 0, series ? 4 : 7)]));
  }
  if (series) {
    RandomUnit(random, &request.unit, &request.interval);
  } else {
    request.unit = Pick(random, 0, 1) == 0 ? TimeUnit::kHour : TimeUnit::kDay;
  }
  return request;
}

TEST(Oracle, Segmentation) {
  RunSeeds([](Random* random, const Scenario& scenario) -> Trial {
    return [request = RandomSegmentation(random, scenario)](const Scenario& some) -> std::string {
      const InsightsAnswer found = EngineSegmentation(EngineWorld(some).engine(), request);
      std::vector<std::string> ranges;
      for (const auto& [row, dates] : found) {
        ranges.push_back(row);
      }
      const InsightsAnswer expected = Segmentation(some, Replay(some), request, ranges);
      return Near(found, expected)
                 ? ""
                 : "event " + request.event + ", kind " +
                       std::to_string(static_cast<int>(request.kind)) + ", type " +
                       std::to_string(static_cast<int>(request.type)) + "\nexpected\n" +
                       Text(expected) + "found\n" + Text(found);
    };
  });
}

TEST(Oracle, Addiction) {
  RunSeeds([](Random* random, const Scenario& scenario) -> Trial {
    AddictionRequest request;
    request.range = {scenario.from, scenario.to, ""};
    static const TimeUnit kUnits[] = {TimeUnit::kDay, TimeUnit::kWeek, TimeUnit::kMonth};
    request.unit = kUnits[Pick(random, 0, 2)];
    request.sub_unit = Pick(random, 0, 1) == 0 ? TimeUnit::kHour : TimeUnit::kDay;
    request.selector = Selector(random, true);
    return [request](const Scenario& some) -> std::string {
      RetentionAnswer expected;
      expected.rows[""] =
          Addiction(some, Replay(some), request.selector, request.unit, request.sub_unit);
      RetentionAnswer found;
      found.rows[""] = EngineAddiction(EngineWorld(some).engine(), request);
      return found.rows == expected.rows ? ""
                                         : "expected\n" + Text(expected) + "found\n" + Text(found);
    };
  });
}

}  // namespace
}  // namespace bulkhead::oracle
