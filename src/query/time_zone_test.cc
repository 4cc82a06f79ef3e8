#include "query/time_zone.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

Buckets MakeBuckets(const char* from, const char* to, const char* zone, TimeUnit unit,
                    int interval = 1) {
  Result<TimeZone> found = TimeZone::Find(zone);
  EXPECT_TRUE(found);
  Result<Buckets> buckets = Buckets::Make({from, to, ""}, *found, unit, interval);
  EXPECT_TRUE(buckets);
  return *std::move(buckets);
}

constexpr int64_t kHourMs = 3'600'000;

TEST(TimeZone, RefusesWhatIsNoZone) {
  EXPECT_FALSE(TimeZone::Find("Mars/Olympus"));
  EXPECT_FALSE(TimeZone::Find(""));
}

TEST(Buckets, DaysAreAsLongAsTheyAre) {
  const Buckets spring = MakeBuckets("2025-03-29", "2025-03-31", "Europe/Berlin", TimeUnit::kDay);
  ASSERT_EQ(spring.size(), 3U);
  EXPECT_EQ(spring.end_ms(0) - spring.start_ms(0), 24 * kHourMs);
  EXPECT_EQ(spring.end_ms(1) - spring.start_ms(1), 23 * kHourMs);
  const Buckets autumn = MakeBuckets("2025-10-26", "2025-10-26", "Europe/Berlin", TimeUnit::kDay);
  EXPECT_EQ(autumn.to_ms() - autumn.from_ms(), 25 * kHourMs);
}

TEST(Buckets, HoursThatClocksSkipOrRepeat) {
  const Buckets spring = MakeBuckets("2025-03-30", "2025-03-30", "Europe/Berlin", TimeUnit::kHour);
  ASSERT_EQ(spring.size(), 23U);
  EXPECT_EQ(spring.labels()[1], "2025-03-30 01:00:00");
  EXPECT_EQ(spring.labels()[2], "2025-03-30 03:00:00");
  EXPECT_EQ(spring.end_ms(1) - spring.start_ms(1), kHourMs);
  const Buckets autumn = MakeBuckets("2025-10-26", "2025-10-26", "Europe/Berlin", TimeUnit::kHour);
  ASSERT_EQ(autumn.size(), 24U);
  EXPECT_EQ(autumn.labels()[2], "2025-10-26 02:00:00");
  EXPECT_EQ(autumn.end_ms(2) - autumn.start_ms(2), 2 * kHourMs);
}

TEST(Buckets, WhereMidnightIsSkipped) {  // Santiago's clocks go from 00:00 to 01:00
  const Buckets days = MakeBuckets("2024-09-07", "2024-09-09", "America/Santiago", TimeUnit::kDay);
  ASSERT_EQ(days.size(), 3U);
  EXPECT_EQ(days.end_ms(1) - days.start_ms(1), 23 * kHourMs);
}

TEST(Buckets, WeeksBeginOnMondayAndMonthsOnTheFirstCutByTheRange) {
  const Buckets weeks = MakeBuckets("2025-01-01", "2025-01-14", "UTC", TimeUnit::kWeek);
  EXPECT_EQ(weeks.labels(), (std::vector<std::string>{"2024-12-30", "2025-01-06", "2025-01-13"}));
  EXPECT_EQ(weeks.end_ms(0) - weeks.start_ms(0), 5 * 24 * kHourMs);
  const Buckets months = MakeBuckets("2025-01-15", "2025-03-02", "UTC", TimeUnit::kMonth);
  EXPECT_EQ(months.labels(), (std::vector<std::string>{"2025-01-01", "2025-02-01", "2025-03-01"}));
  EXPECT_EQ(months.end_ms(2) - months.start_ms(2), 2 * 24 * kHourMs);
}

TEST(Buckets, OfFindsEveryInstant) {
  for (const TimeUnit unit : {TimeUnit::kHour, TimeUnit::kDay, TimeUnit::kWeek, TimeUnit::kMonth}) {
    const Buckets buckets = MakeBuckets("2025-02-10", "2025-11-20", "America/New_York", unit);
    for (size_t b = 0; b < buckets.size(); ++b) {
      EXPECT_EQ(buckets.Of(buckets.start_ms(b)), b);
      EXPECT_EQ(buckets.Of(buckets.end_ms(b) - 1), b);
    }
  }
}

TEST(Buckets, RefusesTooManyAndTurnedRanges) {
  const TimeZone utc = *TimeZone::Find("UTC");
  EXPECT_FALSE(Buckets::Make({"2020-01-01", "2025-01-01", ""}, utc, TimeUnit::kMinute, 1));
  EXPECT_FALSE(Buckets::Make({"2025-01-02", "2025-01-01", ""}, utc, TimeUnit::kDay, 1));
  EXPECT_FALSE(Buckets::Make({"2025-02-30", "2025-03-01", ""}, utc, TimeUnit::kDay, 1));
}

}  // namespace
}  // namespace bulkhead
