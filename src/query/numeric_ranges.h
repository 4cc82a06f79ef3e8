// Equal ranges over an interval of numbers, for /segmentation/numeric. Their ends are whole
// multiples of a power of ten, kept as integers, so that an end is the very number its label reads
// as and a value that lies on an end falls into the range that begins there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/expression.h"

namespace bulkhead {

class NumericRanges {
 public:
  // About a dozen, 1, 2 or 5 times a power of ten wide, the first with `low`, the last with `high`
  // in it. Both finite, low <= high.
  static NumericRanges Make(double low, double high);

  [[nodiscard]] size_t size() const { return inner_ends_.size() + 1; }
  // "2,000 - 2,100"
  [[nodiscard]] std::string Label(size_t range) const;
  // low <= number <= high
  [[nodiscard]] size_t Of(double number) const;
  // The index of the range of the number that `on` gives; undefined where it gives none.
  [[nodiscard]] Expression IndexOf(const Expression& on) const;

 private:
  int64_t first_ = 0;  // the first end is first_ * 10^exponent_
  int64_t step_ = 1;
  int exponent_ = 0;
  std::vector<double> inner_ends_;  // ascending; where each range but the first begins
};

}  // namespace bulkhead
