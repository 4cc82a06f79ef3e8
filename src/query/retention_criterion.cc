#include "query/retention_criterion.h"

#include <algorithm>

namespace bulkhead {

RetentionCriterion::RetentionCriterion(const RetentionReport& report, size_t buckets)
    : mode_(report.mode),
      as_it_is_(report.brackets.empty() && report.mode <= RetentionMode::kOnOrAfter) {
  if (report.brackets.empty()) {
    for (size_t b = 1; b <= buckets; ++b) ends_.push_back(b);
  } else {
    size_t end = 0;
    for (const int length : report.brackets) {
      end += static_cast<size_t>(length);
      ends_.push_back(end);
    }
  }
  for (uint32_t shown = 0; shown < ends_.size(); ++shown) {
    shown_of_.resize(ends_[shown], shown);
  }
  came_back_in_.resize(ends_.size());
}

std::span<const uint32_t> RetentionCriterion::Draw(std::span<const uint32_t> reached) {
  std::ranges::fill(came_back_in_, uint8_t{0});
  for (const uint32_t bucket : reached) came_back_in_[shown_of_[bucket]] = 1;
  counted_.clear();
  bool before = false;
  for (uint32_t shown = 0; shown < came_back_in_.size(); ++shown) {
    const bool here = came_back_in_[shown] != 0;
    before = before || here;
    if (here || (before && mode_ == RetentionMode::kOnOrBefore)) {
      counted_.push_back(shown);
    } else if (mode_ == RetentionMode::kStreak && shown > 0) {
      break;  // the birth itself stands for the 0th
    }
  }
  return counted_;
}

}  // namespace bulkhead
