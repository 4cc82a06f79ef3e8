#include "query/numeric_ranges.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bulkhead {
namespace {

class OneNumber final : public PropertyLookup {
 public:
  explicit OneNumber(Value value) : value_(std::move(value)) {}
  const Value* EventProperty(std::string_view) override { return &value_; }
  const Value* UserProperty(std::string_view) override { return nullptr; }

 private:
  Value value_;
};

std::optional<Value> IndexOf(const NumericRanges& ranges, Value value) {
  Expression on;
  on.op = ExpressionOp::kEventProperty;
  on.name = "x";
  OneNumber lookup(std::move(value));
  return Evaluate(ranges.IndexOf(on), lookup);
}

std::string LabelOf(const NumericRanges& ranges, double number) {
  const size_t range = ranges.Of(number);
  EXPECT_EQ(IndexOf(ranges, Value(number))->number(), static_cast<double>(range)) << number;
  return ranges.Label(range);
}

TEST(NumericRangesTest, AValueOnAnEndBeginsItsRange) {
  const NumericRanges tenths = NumericRanges::Make(0, 1);
  ASSERT_EQ(tenths.size(), 11U);
  EXPECT_EQ(LabelOf(tenths, 0), "0 - 0.1");
  EXPECT_EQ(LabelOf(tenths, 0.1), "0.1 - 0.2");
  EXPECT_EQ(LabelOf(tenths, 0.3), "0.3 - 0.4");
  EXPECT_EQ(LabelOf(tenths, 0.6), "0.6 - 0.7");
  EXPECT_EQ(LabelOf(tenths, 0.7), "0.7 - 0.8");
  EXPECT_EQ(LabelOf(tenths, 0.9), "0.9 - 1");
  EXPECT_EQ(LabelOf(tenths, 1), "1 - 1.1");
  EXPECT_EQ(LabelOf(tenths, 0.30000000000000004), "0.3 - 0.4");
  EXPECT_EQ(LabelOf(tenths, 0.29999999999999993), "0.2 - 0.3");
  const NumericRanges hundredths = NumericRanges::Make(0.21, 0.3);
  EXPECT_EQ(LabelOf(hundredths, 0.29), "0.29 - 0.3");
  EXPECT_EQ(LabelOf(hundredths, 0.21), "0.21 - 0.22");
}

TEST(NumericRangesTest, LabelsHaveCommasAndSigns) {
  EXPECT_EQ(LabelOf(NumericRanges::Make(1500, 3100), 1500), "1,400 - 1,600");
  EXPECT_EQ(LabelOf(NumericRanges::Make(-2'000'000, 3'000'000), -2'000'000),
            "-2,000,000 - -1,500,000");
  EXPECT_EQ(LabelOf(NumericRanges::Make(-0.05, 0.05), -0.05), "-0.05 - -0.04");
  EXPECT_EQ(LabelOf(NumericRanges::Make(7, 7), 7), "7 - 8");
  EXPECT_EQ(LabelOf(NumericRanges::Make(0, 0), 0), "0 - 1");
  EXPECT_EQ(NumericRanges::Make(1e-30, 9e-30).Label(0), "1e-30 - 2e-30");
}

TEST(NumericRangesTest, AllOfDoublesRangeIsBounded) {
  constexpr double kMost = std::numeric_limits<double>::max();
  const NumericRanges wide = NumericRanges::Make(-1e308, 1e308);
  EXPECT_EQ(wide.size(), 11U);
  EXPECT_EQ(LabelOf(wide, -1e308), "-10e307 - -8e307");
  EXPECT_EQ(LabelOf(wide, 1e308), "10e307 - 12e307");
  for (const auto& [low, high] : {std::pair{-kMost, kMost},
                                  {1e300, 1e300},
                                  {-kMost, -kMost},
                                  {1e300, std::nextafter(1e300, kMost)},
                                  {5e-324, 1e-323},
                                  {0.0, 5e-324},
                                  {1e15, 1e15 + 1},
                                  {123456789.123, 123456789.124}}) {
    const NumericRanges ranges = NumericRanges::Make(low, high);
    EXPECT_LE(ranges.size(), 64U) << low;
    EXPECT_EQ(ranges.Of(low), 0U) << low;
    EXPECT_EQ(ranges.Of(high), ranges.size() - 1) << low;
    EXPECT_NE(ranges.Label(0), ranges.Label(1));
  }
}

TEST(NumericRangesTest, WhatIsNoNumberHasNoRange) {
  EXPECT_FALSE(IndexOf(NumericRanges::Make(0, 1), Value("x")));
  EXPECT_FALSE(IndexOf(NumericRanges::Make(0, 1), Value()));
  EXPECT_FALSE(IndexOf(NumericRanges::Make(7, 7), Value("x")));
  EXPECT_EQ(IndexOf(NumericRanges::Make(7, 7), Value(7.0))->number(), 0);
}

}  // namespace
}  // namespace bulkhead
