// The bucket of a time by one look-up, for buckets whose borders lie on quarter hours of UTC, as
// days, weeks and months of every zone in use do.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "query/time_zone.h"
#include "store/event_times.h"

namespace bulkhead {

class QuarterTable {
 public:
  // Nothing where a border lies elsewhere or the range is very long.
  static std::optional<QuarterTable> Make(const Buckets& buckets) {
    constexpr int64_t kMaxQuarters = 400'000;  // eleven years
    const auto off_quarter = [](int64_t time_ms) {
      return time_ms % EventTimes::kQuarterHourMs != 0;
    };
    if ((buckets.to_ms() - buckets.from_ms()) / EventTimes::kQuarterHourMs > kMaxQuarters ||
        off_quarter(buckets.from_ms())) {
      return std::nullopt;
    }
    QuarterTable table;
    table.from_ms_ = buckets.from_ms();
    for (uint32_t b = 0; b < buckets.size(); ++b) {
      if (off_quarter(buckets.end_ms(b))) return std::nullopt;
      const int64_t quarters =
          (buckets.end_ms(b) - buckets.start_ms(b)) / EventTimes::kQuarterHourMs;
      table.buckets_.insert(table.buckets_.end(), static_cast<size_t>(quarters), b);
    }
    table.buckets_.push_back(static_cast<uint32_t>(buckets.size()));
    return table;
  }

  // The number of buckets where the time is outside of all.
  [[nodiscard]] uint32_t Of(int64_t time_ms) const {
    const uint64_t quarter = static_cast<uint64_t>(time_ms - from_ms_) /
                             static_cast<uint64_t>(EventTimes::kQuarterHourMs);
    return buckets_[std::min<uint64_t>(quarter, buckets_.size() - 1)];
  }

 private:
  int64_t from_ms_ = 0;
  std::vector<uint32_t> buckets_;
};

}  // namespace bulkhead
