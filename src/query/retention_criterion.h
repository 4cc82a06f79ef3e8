// In which of the buckets that are shown a person counts, from those in which they came back: by
// the report's mode, and with buckets drawn together to brackets. One per thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/report.h"

namespace bulkhead {

class RetentionCriterion {
 public:
  // `buckets`: of one unit each, the 0th included.
  RetentionCriterion(const RetentionReport& report, size_t buckets);

  // Buckets that are shown.
  [[nodiscard]] size_t size() const { return ends_.size(); }
  // The first bucket of one unit that lies behind a shown one.
  [[nodiscard]] size_t End(size_t shown) const { return ends_[shown]; }

  // `reached`: buckets of one unit, each once; of kOnOrAfter also all before the last. The answer
  // is good until the next call.
  std::span<const uint32_t> Apply(std::span<const uint32_t> reached) {
    return as_it_is_ ? reached : Draw(reached);
  }

 private:
  std::span<const uint32_t> Draw(std::span<const uint32_t> reached);

  RetentionMode mode_;
  bool as_it_is_;
  std::vector<size_t> ends_;           // by shown bucket
  std::vector<uint32_t> shown_of_;     // by bucket of one unit
  std::vector<uint8_t> came_back_in_;  // by shown bucket
  std::vector<uint32_t> counted_;
};

}  // namespace bulkhead
