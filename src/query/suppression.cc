#include "query/suppression.h"

#include <algorithm>
#include <utility>

namespace bulkhead {

size_t Suppression::AddCell(uint64_t people) {
  people_.push_back(people);
  hidden_.push_back(false);
  return people_.size() - 1;
}

void Suppression::AddSum(std::vector<size_t> cells, size_t total) {
  sums_.push_back({std::move(cells), total});
}

size_t Suppression::NextToHide(const Sum& sum) const {
  size_t next = kNoCell;
  const auto rank = [this](size_t cell) { return people_[cell] == 0 ? UINT64_MAX : people_[cell]; };
  for (const size_t cell : sum.cells) {
    if (!hidden_[cell] && (next == kNoCell || rank(cell) < rank(next))) next = cell;
  }
  return next;
}

// One that is not shown alone is what is left of the sum; and so are several together, which must
// not be few people either.
bool Suppression::Protect(const Sum& sum) {
  bool changed = false;
  for (;;) {
    size_t hidden = 0;
    uint64_t people = 0;
    for (const size_t cell : sum.cells) {
      if (!hidden_[cell]) continue;
      ++hidden;
      people += people_[cell];
    }
    const bool total_hidden = sum.total != kNoCell && hidden_[sum.total];
    const bool safe =
        total_hidden ? hidden > 0 : hidden == 0 || (hidden > 1 && people >= threshold_);
    const size_t next = safe ? kNoCell : NextToHide(sum);
    if (next == kNoCell) return changed;
    hidden_[next] = true;
    changed = true;
  }
}

bool Suppression::Protect(const std::vector<size_t>& chain) {
  bool changed = false;
  size_t shown = kNoCell;
  for (const size_t cell : chain) {
    if (hidden_[cell]) continue;
    const uint64_t before = shown == kNoCell ? people_[cell] : people_[shown];
    if (before > people_[cell] && IsSmallCount(before - people_[cell])) {
      hidden_[cell] = true;
      changed = true;
    } else {
      shown = cell;
    }
  }
  return changed;
}

// Each round hides at least one cell more, so that it ends.
void Suppression::Solve() {
  for (size_t cell = 0; cell < people_.size(); ++cell) hidden_[cell] = IsSmall(cell);
  for (bool changed = true; changed;) {
    changed = false;
    for (const Sum& sum : sums_) changed |= Protect(sum);
    for (const std::vector<size_t>& chain : chains_) changed |= Protect(chain);
  }
}

}  // namespace bulkhead
