#include "query/suppression.h"

#include <gtest/gtest.h>

#include <random>

namespace bulkhead {
namespace {

TEST(Suppression, HidesWhatIsSmallAndKeepsNobody) {
  Suppression table(10);
  const size_t none = table.AddCell(0), few = table.AddCell(9), enough = table.AddCell(10);
  table.Solve();
  EXPECT_FALSE(table.IsHidden(none));
  EXPECT_TRUE(table.IsHidden(few));
  EXPECT_FALSE(table.IsHidden(enough));
}

TEST(Suppression, OneHiddenCellWouldBeWhatIsLeftOfTheTotal) {
  Suppression table(10);  // 5,000 in all and 4,995 in the only other cell
  const size_t total = table.AddCell(5000), large = table.AddCell(4995), few = table.AddCell(5);
  table.AddSum({large, few}, total);
  table.Solve();
  EXPECT_TRUE(table.IsHidden(few));
  EXPECT_TRUE(table.IsHidden(large));
  EXPECT_FALSE(table.IsHidden(total));
}

TEST(Suppression, SeveralHiddenOnesTogetherAreNotFewPeopleEither) {
  Suppression table(10);
  const size_t a = table.AddCell(2), b = table.AddCell(3), c = table.AddCell(40),
               d = table.AddCell(50);
  table.AddSum({a, b, c, d});
  table.Solve();
  EXPECT_TRUE(table.IsHidden(a) && table.IsHidden(b) && table.IsHidden(c));
  EXPECT_FALSE(table.IsHidden(d));
}

TEST(Suppression, AHiddenTotalIsNotTheSumOfWhatIsShown) {
  Suppression table(10);
  const size_t total = table.AddCell(5);  // fewer than its parts: people are in several
  const size_t a = table.AddCell(20), b = table.AddCell(30);
  table.AddSum({a, b}, total);
  table.Solve();
  EXPECT_TRUE(table.IsHidden(total));
  EXPECT_TRUE(table.IsHidden(a));
  EXPECT_FALSE(table.IsHidden(b));
}

TEST(Suppression, TheDifferenceOfTwoStepsIsPeopleToo) {
  Suppression table(10);
  const size_t first = table.AddCell(100), second = table.AddCell(97), third = table.AddCell(50);
  table.AddChain({first, second, third});
  table.Solve();
  EXPECT_FALSE(table.IsHidden(first));
  EXPECT_TRUE(table.IsHidden(second));
  EXPECT_FALSE(table.IsHidden(third));
}

// Tables of random counts with the sums of rows and columns: what a reader can take away from what
// is shown is never a few people, unless nothing was left to hide.
TEST(Suppression, NoSumOfARandomTableGivesAFewPeopleAway) {
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    std::mt19937 random(seed);
    const size_t rows = 1 + random() % 6, columns = 1 + random() % 6;
    const uint64_t threshold = 2 + random() % 12;
    std::vector<uint64_t> people;
    Suppression table(threshold);
    std::vector<std::vector<size_t>> sums(rows + columns);
    for (size_t i = 0; i < rows * columns; ++i) {
      people.push_back(random() % 3 == 0 ? random() % threshold : random() % 60);
      table.AddCell(people.back());
      sums[i / columns].push_back(i);
      sums[rows + i % columns].push_back(i);
    }
    for (const auto& sum : sums) table.AddSum(sum);
    table.Solve();
    for (size_t i = 0; i < people.size(); ++i) {
      EXPECT_TRUE(table.IsHidden(i) || people[i] == 0 || people[i] >= threshold);
    }
    for (const auto& sum : sums) {
      size_t hidden = 0;
      uint64_t left = 0;
      for (const size_t cell : sum) {
        hidden += table.IsHidden(cell) ? 1 : 0;
        left += table.IsHidden(cell) ? people[cell] : 0;
      }
      EXPECT_TRUE(hidden == 0 || hidden == sum.size() || (hidden > 1 && left >= threshold)) << seed;
    }
  }
}

}  // namespace
}  // namespace bulkhead
