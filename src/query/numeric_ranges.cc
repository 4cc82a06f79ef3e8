#include "query/numeric_ranges.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace bulkhead {
namespace {

constexpr double kRanges = 12;
constexpr size_t kMostRanges = 64;  // far more than Make can need
constexpr int kMostZeros = 15;      // beyond, labels write the exponent
constexpr int kMostDecimals = 20;

// The double closest to count * 10^exponent, which a product of doubles often is not.
double Exactly(int64_t count, int exponent) {
  const std::string text = std::to_string(count) + "e" + std::to_string(exponent);
  double number = 0;  // stays where the magnitude is too small
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool beyond = error == std::errc::result_out_of_range && exponent > 0;
  return beyond ? std::copysign(HUGE_VAL, static_cast<double>(count)) : number;
}

struct Width {
  int64_t step = 1;
  int exponent = 0;
};

// The narrowest of 1, 2, 5 times a power of ten that needs no more than about a dozen ranges.
Width WidthOf(double low, double high) {
  const double raw = high / kRanges - low / kRanges;  // the difference itself may be infinite
  Width width;
  const double largest = std::max(std::abs(low), std::abs(high));
  // Narrower than this the ends would be the same number.
  const int narrowest = largest > 0 ? static_cast<int>(std::floor(std::log10(largest))) - 14 : -300;
  if (!(raw > 0)) {
    width.exponent = std::max(0, narrowest);
    return width;
  }
  width.exponent = std::max(static_cast<int>(std::floor(std::log10(raw))) - 1, narrowest);
  for (;; ++width.exponent) {
    for (const int64_t step : {1, 2, 5}) {
      width.step = step;
      if (Exactly(step, width.exponent) >= raw) {
        return width;
      }
    }
  }
}

// The digits of count * 10^exponent with commas in the whole part, as Mixpanel writes ends.
std::string EndText(int64_t count, int exponent) {
  if (count == 0) {
    return "0";
  }
  if (exponent > kMostZeros || exponent < -kMostDecimals) {
    return std::to_string(count) + "e" + std::to_string(exponent);
  }
  std::string whole = std::to_string(std::abs(count));
  std::string fraction;
  if (exponent >= 0) {
    whole.append(static_cast<size_t>(exponent), '0');
  } else {
    const auto decimals = static_cast<size_t>(-exponent);
    whole.insert(0, decimals >= whole.size() ? decimals + 1 - whole.size() : 0, '0');
    fraction = whole.substr(whole.size() - decimals);
    whole.resize(whole.size() - decimals);
    fraction.resize(fraction.find_last_not_of('0') + 1);
  }
  for (size_t at = whole.size(); at > 3;) {
    at -= 3;
    whole.insert(at, ",");
  }
  return (count < 0 ? "-" : "") + whole + (fraction.empty() ? "" : "." + fraction);
}

Expression Call(ExpressionOp op, std::vector<Expression> operands) {
  Expression call;
  call.op = op;
  call.children = std::move(operands);
  return call;
}

Expression Constant(double number) {
  Expression constant;
  constant.literal = Value(number);
  return constant;
}

}  // namespace

NumericRanges NumericRanges::Make(double low, double high) {
  const Width width = WidthOf(low, high);
  NumericRanges ranges;
  ranges.step_ = width.step;
  ranges.exponent_ = width.exponent;
  const auto end = [&](int64_t range) { return Exactly(range * width.step, width.exponent); };
  int64_t first = static_cast<int64_t>(std::floor(low / end(1)));
  while (end(first) > low) {
    --first;
  }
  while (end(first + 1) <= low) {
    ++first;
  }
  ranges.first_ = first * width.step;
  for (int64_t next = first + 1; end(next) <= high && ranges.size() < kMostRanges; ++next) {
    ranges.inner_ends_.push_back(end(next));
  }
  return ranges;
}

std::string NumericRanges::Label(size_t range) const {
  const int64_t begin = first_ + static_cast<int64_t>(range) * step_;
  return EndText(begin, exponent_) + " - " + EndText(begin + step_, exponent_);
}

size_t NumericRanges::Of(double number) const {
  return static_cast<size_t>(std::upper_bound(inner_ends_.begin(), inner_ends_.end(), number) -
                             inner_ends_.begin());
}

// How many of the inner ends the number has reached: number(on >= end) + number(on >= end) + ...
Expression NumericRanges::IndexOf(const Expression& on) const {
  const auto reached = [&](double end) {
    return Call(ExpressionOp::kNumber, {Call(ExpressionOp::kGreaterEqual, {on, Constant(end)})});
  };
  // Where there is but one range, numbers still differ from what is none.
  Expression index = Call(ExpressionOp::kMultiply, {reached(0), Constant(0)});
  for (const double end : inner_ends_) {
    index = Call(ExpressionOp::kAdd, {std::move(index), reached(end)});
  }
  return index;
}

}  // namespace bulkhead
