// Inside query/ only: what a funnel has counted in one bucket and segment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bulkhead {

struct FunnelCell {
  std::vector<uint64_t> counts;                 // by step
  std::vector<double> previous_ms_sum;          // by step
  std::vector<double> start_ms_sum;             // by step
  std::vector<std::vector<double>> previous_s;  // by step; only where percentiles are asked for

  // One attempt: the times of the steps that it reached, of `steps` in all.
  void Add(std::span<const int64_t> times_ms, size_t steps, bool keep_times);
  void TakeFrom(FunnelCell* other);
};

}  // namespace bulkhead
