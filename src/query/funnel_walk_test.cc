#include "query/funnel_walk.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

constexpr int64_t kMinuteMs = 60'000;

// One hit per letter: A = step 1, B = step 2, ..., X = the exclusion, '.' = of no step.
class Walk {
 public:
  explicit Walk(size_t steps, int64_t window_ms) {
    plan_.steps = steps;
    plan_.window_ms = window_ms;
  }
  Walk& Exclude() {
    for (size_t r = 1; r < plan_.steps; ++r) {
      plan_.exclusions[r] = uint64_t{1} << plan_.steps;
    }
    return *this;
  }
  Walk& Order(FunnelOrder order) {
    plan_.order = order;
    return *this;
  }
  // The session that each hit is in.
  Walk& Sessions(uint32_t window, std::vector<uint32_t> numbers) {
    plan_.window_sessions = window;
    sessions_ = std::move(numbers);
    return *this;
  }
  Walk& At(char letter, int64_t time_ms) {
    const uint64_t mask = letter == 'X'   ? uint64_t{1} << plan_.steps
                          : letter == '.' ? uint64_t{1} << 63
                                          : uint64_t{1} << (letter - 'A');
    hits_.push_back({time_ms, mask, hits_.size(), 0, static_cast<uint32_t>(hits_.size())});
    return *this;
  }
  Walk& Also(uint64_t mask) {
    hits_.back().mask |= mask;
    return *this;
  }
  // Steps reached by each attempt, such as "3 1".
  std::string Reached(std::vector<uint32_t> held = {}) {
    plan_.hold = held.empty() ? 0 : 1;
    FunnelWalk walk(plan_);
    FunnelAttempt attempt;
    walk.Begin(hits_, held);
    walk.SetSessions(sessions_);
    std::string reached;
    while (walk.Next(0, INT64_MAX, &attempt)) {
      reached += (reached.empty() ? "" : " ") + std::to_string(attempt.reached);
    }
    return reached;
  }

 private:
  FunnelPlan plan_;
  std::vector<Hit> hits_;
  std::vector<uint32_t> sessions_;
};

TEST(FunnelWalk, OtherEventsBetweenStepsDoNotMatter) {
  Walk walk(3, 60 * kMinuteMs);
  walk.At('A', 0).At('B', 10'000).At('.', 20'000).At('C', 30'000).At('.', 40'000);
  EXPECT_EQ(walk.Reached(), "3");
}

TEST(FunnelWalk, TheWindowBeginsWithTheFirstStepAndIsNotReset) {
  Walk walk(3, 60 * kMinuteMs);  // A 1:00, A 1:30, B 1:45, C 2:15
  walk.At('A', 60 * kMinuteMs).At('A', 90 * kMinuteMs).At('B', 105 * kMinuteMs);
  walk.At('C', 135 * kMinuteMs);
  EXPECT_EQ(walk.Reached(), "2");
}

TEST(FunnelWalk, TheEndOfTheWindowIsInIt) {
  EXPECT_EQ(Walk(2, 1000 * 60).At('A', 0).At('B', 60'000).Reached(), "2");
  EXPECT_EQ(Walk(2, 1000 * 60).At('A', 0).At('B', 60'001).Reached(), "1");
}

TEST(FunnelWalk, StepsWithinTwoSecondsMayBeSwapped) {
  EXPECT_EQ(Walk(2, kMinuteMs).At('B', 0).At('A', 2000).Reached(), "2");
  EXPECT_EQ(Walk(2, kMinuteMs).At('B', 0).At('A', 2001).Reached(), "1");
}

TEST(FunnelWalk, OneEventDoesOneStep) {
  EXPECT_EQ(Walk(2, kMinuteMs).At('A', 0).Also(2).Reached(), "1");
  EXPECT_EQ(Walk(2, kMinuteMs).At('A', 0).Also(2).At('A', 0).Also(2).Reached(), "2");
}

TEST(FunnelWalk, EntersAgainAfterConversionOrTimeout) {
  Walk converted(2, kMinuteMs);
  converted.At('A', 0).At('B', 10'000).At('A', 20'000).At('A', 30'000).At('B', 40'000);
  EXPECT_EQ(converted.Reached(), "2 2");
  Walk timeout(2, kMinuteMs);
  timeout.At('A', 0).At('A', 60'000).At('A', 60'001).At('B', 70'000);
  EXPECT_EQ(timeout.Reached(), "1 2");
}

TEST(FunnelWalk, AnExclusionEndsTheAttempt) {
  Walk walk(2, 60 * kMinuteMs);
  walk.Exclude().At('A', 0).At('X', 10'000).At('A', 20'000).At('B', 30'000);
  EXPECT_EQ(walk.Reached(), "1 2");  // two entries, one conversion
}

TEST(FunnelWalk, ExclusionsWithinTwoSecondsOfAStepAreForgiven) {
  EXPECT_EQ(Walk(2, kMinuteMs).Exclude().At('A', 0).At('X', 2000).At('B', 9000).Reached(), "2");
  EXPECT_EQ(Walk(2, kMinuteMs).Exclude().At('A', 0).At('X', 7000).At('B', 9000).Reached(), "2");
  EXPECT_EQ(Walk(2, kMinuteMs).Exclude().At('A', 0).At('X', 6999).At('B', 9000).Reached(), "1");
}

TEST(FunnelWalk, HeldValuesAreEqualOnAllSteps) {
  Walk walk(2, 60 * kMinuteMs);
  walk.At('A', 0).At('B', 10'000).At('B', 20'000);
  EXPECT_EQ(walk.Reached({7, 8, 7}), "2");
  EXPECT_EQ(walk.Reached({7, 8, 8}), "1");
  EXPECT_EQ(walk.Reached({0, 0, 0}), "");  // without the value there is no way in
}

TEST(FunnelWalk, StrictOrderLetsNothingBetween) {
  Walk walk(3, 60 * kMinuteMs);
  walk.Order(FunnelOrder::kStrict);
  walk.At('A', 0).At('B', 10).At('.', 20).At('C', 30).At('A', 40).At('B', 50).At('C', 60);
  EXPECT_EQ(walk.Reached(), "2 3");
  Walk again(2, 60 * kMinuteMs);
  again.Order(FunnelOrder::kStrict).At('A', 0).At('A', 10).At('B', 20);
  EXPECT_EQ(again.Reached(), "1 2");  // what ends an attempt may begin the next
}

TEST(FunnelWalk, AnyOrderCountsEachStepOnce) {
  Walk walk(3, 60 * kMinuteMs);
  walk.Order(FunnelOrder::kAny);
  walk.At('C', 0).At('C', 10).At('A', 20).At('.', 30).At('B', 40).At('B', 50);
  EXPECT_EQ(walk.Reached(), "3 1");
}

TEST(FunnelWalk, AnyOrderNeverTakesTheOnlyHitOfAnotherStep) {
  Walk walk(2, 60 * kMinuteMs);
  walk.Order(FunnelOrder::kAny).At('A', 0).Also(2).At('A', 10);  // the first could do both
  EXPECT_EQ(walk.Reached(), "2");
}

TEST(FunnelWalk, AWindowOfSessions) {
  Walk walk(3, 1);
  walk.Sessions(2, {0, 0, 1, 2}).At('A', 0).At('B', 10).At('.', 20).At('C', 30);
  EXPECT_EQ(walk.Reached(), "2");
  walk.Sessions(3, {0, 0, 1, 2});
  EXPECT_EQ(walk.Reached(), "3");
}

}  // namespace
}  // namespace bulkhead
