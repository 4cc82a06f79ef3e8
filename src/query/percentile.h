// Percentiles with linear interpolation between the closest ranks, as NumPy's default and SQL's
// percentile_cont.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "model/report.h"

namespace bulkhead {

// percent in 0..100; reorders the values. Nothing of nothing is kNoValue.
template <typename T>
double Percentile(std::vector<T>* values, double percent) {
  if (values->empty()) {
    return kNoValue;
  }
  const double rank = percent / 100.0 * static_cast<double>(values->size() - 1);
  const size_t low = static_cast<size_t>(std::floor(rank));
  const auto at = values->begin() + static_cast<ptrdiff_t>(low);
  std::nth_element(values->begin(), at, values->end());
  const double value = static_cast<double>(*at);
  if (low + 1 >= values->size()) {
    return value;
  }
  const double next = static_cast<double>(*std::min_element(at + 1, values->end()));
  return value + (next - value) * (rank - std::floor(rank));
}

}  // namespace bulkhead
