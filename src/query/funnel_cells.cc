#include "query/funnel_cells.h"

#include <algorithm>
#include <utility>

namespace bulkhead {

void FunnelCell::Add(std::span<const int64_t> times_ms, size_t steps, bool keep_times) {
  if (counts.empty()) {
    counts.assign(steps, 0);
    previous_ms_sum.assign(steps, 0);
    start_ms_sum.assign(steps, 0);
  }
  if (keep_times && previous_s.empty()) {
    previous_s.resize(steps);
  }
  ++counts[0];
  for (size_t s = 1; s < times_ms.size(); ++s) {
    const auto since = [&](int64_t before_ms) {
      return static_cast<double>(std::max<int64_t>(times_ms[s] - before_ms, 0));
    };
    const double from_previous_ms = since(times_ms[s - 1]);
    ++counts[s];
    previous_ms_sum[s] += from_previous_ms;
    start_ms_sum[s] += since(times_ms[0]);
    if (keep_times) {
      previous_s[s].push_back(from_previous_ms / 1000.0);
    }
  }
}

void FunnelCell::TakeFrom(FunnelCell* other) {
  if (other->counts.empty()) {
    return;
  }
  if (counts.empty()) {
    *this = std::move(*other);
    return;
  }
  for (size_t s = 0; s < counts.size(); ++s) {
    counts[s] += other->counts[s];
    previous_ms_sum[s] += other->previous_ms_sum[s];
    start_ms_sum[s] += other->start_ms_sum[s];
    if (!other->previous_s.empty()) {
      previous_s[s].insert(previous_s[s].end(), other->previous_s[s].begin(),
                           other->previous_s[s].end());
    }
  }
}

}  // namespace bulkhead
