#include "query/retention_walk.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

constexpr int64_t kHourMs = 3'600'000;

Buckets Days(const char* from, const char* to) {
  return *Buckets::Make({from, to, ""}, *TimeZone::Find("UTC"), TimeUnit::kDay, 1);
}

std::string Returns(const RetentionPlan& plan, const std::vector<Hit>& hits) {
  RetentionWalk walk(plan);
  std::string text;
  walk.Visit(hits, [&](size_t cohort, size_t, std::span<const uint32_t> reached) {
    text += (text.empty() ? "" : " ") + std::to_string(cohort) + ":";
    for (const uint32_t bucket : reached) {
      text += std::to_string(bucket);
    }
  });
  return text;
}

Hit At(const Buckets& days, int64_t hours, uint64_t mask) {
  return {days.from_ms() + hours * kHourMs, mask, static_cast<uint64_t>(hours), 0, 0};
}

TEST(RetentionWalk, RollingDaysCountFromTheBirth) {
  const Buckets days = Days("2025-01-01", "2025-01-03");
  const RetentionPlan plan{&days, nullptr, 24 * kHourMs, 4, false, false};
  // Born at 20:00: 23 hours later is still the 0th day, 24 hours later the first.
  EXPECT_EQ(Returns(plan, {At(days, 20, 5), At(days, 43, 2), At(days, 44, 2), At(days, 92, 2)}),
            "0:013");
  EXPECT_EQ(Returns(plan, {At(days, 20, 7)}), "0:");  // the birth is no return
  EXPECT_EQ(Returns(plan, {At(days, 20, 5), At(days, 116, 2)}), "0:");
}

TEST(RetentionWalk, CalendarDaysCountFromMidnight) {
  const Buckets days = Days("2025-01-01", "2025-01-03");
  const Buckets calendar = Days("2025-01-01", "2025-01-09");
  const RetentionPlan plan{&days, &calendar, 0, 4, false, false};
  EXPECT_EQ(Returns(plan, {At(days, 20, 5), At(days, 23, 2), At(days, 24, 2)}), "0:01");
}

TEST(RetentionWalk, RecurringCountsOncePerBucket) {
  const Buckets days = Days("2025-01-01", "2025-01-03");
  RetentionPlan plan{&days, nullptr, 24 * kHourMs, 3, true, false};
  EXPECT_EQ(Returns(plan, {At(days, 1, 7), At(days, 2, 7), At(days, 25, 7)}), "0:01 1:");
  plan.on_or_after = true;
  EXPECT_EQ(Returns(plan, {At(days, 1, 7), At(days, 50, 7)}), "0:012 2:");
}

}  // namespace
}  // namespace bulkhead
