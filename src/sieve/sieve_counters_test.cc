#include "sieve/sieve_counters.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

namespace bulkhead {
namespace {

constexpr int64_t kHour = 3600 * 1000;
constexpr int64_t kStart = 1000 * kHour;

std::vector<Finding> One(const std::string& rule, const std::string& path) {
  return {{rule, path, Action::kRedact}};
}

TEST(SieveCountersTest, CountsByHourAndForgetsOldHours) {
  SieveCounters counters;
  for (const int64_t hour : {0, 0, 2, 3, 49, 200}) {
    counters.Add(One("jwt", "a"), {ProjectId{1}, "web", kStart + hour * kHour + 7});
  }
  const SieveCount now = counters.Snapshot().at(0);
  EXPECT_EQ(now.count, 6u);
  EXPECT_EQ(now.first_seen_ms, kStart + 7);
  EXPECT_EQ(now.last_seen_ms, kStart + 200 * kHour + 7);
  EXPECT_EQ(now.hours[0], 1u);
  EXPECT_EQ(std::accumulate(now.hours.begin(), now.hours.end(), 0u), 1u);
  SieveCounters recent;
  for (const int64_t hour : {0, 0, 2, 3, 49}) {
    recent.Add(One("jwt", "a"), {ProjectId{1}, "web", kStart + hour * kHour});
  }
  const SieveCount last = recent.Snapshot().at(0);
  EXPECT_EQ(last.hours[0], 1u);
  EXPECT_EQ(last.hours[46], 1u);  // hour 3
  EXPECT_EQ(last.hours[47], 1u);  // hour 2; hour 0 is older than the ring
}

TEST(SieveCountersTest, AClockThatGoesBackLosesNothing) {
  SieveCounters counters;
  counters.Add(One("jwt", "a"), {ProjectId{1}, "web", kStart + 5 * kHour});
  counters.Add(One("jwt", "a"), {ProjectId{1}, "web", kStart});
  const SieveCount now = counters.Snapshot().at(0);
  EXPECT_EQ(now.count, 2u);
  EXPECT_EQ(now.hours[0], 2u);
}

TEST(SieveCountersTest, ProjectsAreApartAndTheFirstHitIsTold) {
  std::vector<FirstHit> hits;
  SieveCounters counters([&](const FirstHit& hit) { hits.push_back(hit); });
  for (const uint32_t project : {1U, 2U, 1U}) {
    counters.Add(One("jwt", "a"), {ProjectId{project}, "web", kStart});
  }
  counters.Add(One("jwt", "a"), {ProjectId{1}, "node", kStart + 1});
  EXPECT_EQ(counters.Snapshot().size(), 3u);
  ASSERT_EQ(hits.size(), 3u);
  EXPECT_EQ(hits[2].library, "node");
  EXPECT_EQ(hits[2].time_ms, kStart + 1);
  // A library that is no plain name is not shown.
  counters.Add(One("jwt", "b"), {ProjectId{1}, "jane@example.com", kStart});
  EXPECT_EQ(hits.back().library, "other");
}

TEST(SieveCountersTest, UnknownPropertiesAreCountedApartAndBounded) {
  size_t told = 0;
  SieveCounters counters([&](const FirstHit&) { ++told; });
  for (int i = 0; i < 6000; ++i) {
    const std::vector<Finding> findings = {
        {std::string(kUnknownPropertyRule), "p" + std::to_string(i), Action::kDrop}};
    counters.Add(findings, {ProjectId{1}, "web", kStart});
    counters.AddUnknown(findings, "signup", {ProjectId{1}, "web", kStart});
  }
  EXPECT_EQ(counters.Snapshot().size(), 1u);
  EXPECT_EQ(told, 1u);
  const auto unknown = counters.UnknownSnapshot();
  EXPECT_EQ(unknown.size(), SieveCounters::kMaxUnknown + 1);
  uint64_t sum = 0;
  for (const UnknownCount& count : unknown) sum += count.count;
  EXPECT_EQ(sum, 6000u);
}

}  // namespace
}  // namespace bulkhead
