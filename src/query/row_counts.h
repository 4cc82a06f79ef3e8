// Counts of rows by bucket and by code of one property, in plain arrays: the commonest question,
// without a look at what the codes mean until the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "query/breakdown.h"
#include "query/quarter_table.h"
#include "query/time_zone.h"
#include "store/person_scan.h"

namespace bulkhead {

class RowCounts {
 public:
  // Whether the arrays are small enough. `ids` null = no property.
  static bool Fits(const ScanContext& scan, const ValueIds* ids, size_t buckets);

  // `one_bucket`: the buckets' whole range counts as one. All must outlive the counts.
  RowCounts(const ScanContext& scan, const ValueIds* ids, const Buckets& buckets, bool one_bucket);

  void Add(const RowBlock& block, size_t filter);

  // Calls f(id, bucket, count) with raw ids as ValueIds has them; a pair may come several times.
  template <typename F>
  void ForEach(const F& f) const {
    for (uint32_t source = 0; source < counts_.size(); ++source) {
      const std::vector<uint32_t>& counts = counts_[source];
      for (size_t i = 0; i < counts.size() && i / widths_[source] < buckets_; ++i) {
        if (counts[i] != 0) {
          const size_t code = i % widths_[source];
          f(ids_ == nullptr ? 0 : ids_->IdsByCode(source)[code], i / widths_[source], counts[i]);
        }
      }
    }
  }

 private:
  template <typename Codes>
  void AddByTime(const RowBlock& block, size_t filter, const Codes& codes);

  const ScanContext& scan_;
  const ValueIds* ids_;
  const Buckets& range_;
  size_t buckets_;
  std::optional<QuarterTable> table_;
  bool check_times_;            // there are rows outside the range, or several buckets
  std::vector<size_t> widths_;  // by source: codes
  std::vector<std::vector<uint32_t>> counts_;  // by source: [bucket, then outside][code]
};

}  // namespace bulkhead
