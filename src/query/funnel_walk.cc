#include "query/funnel_walk.h"

#include <algorithm>

namespace bulkhead {
namespace {

bool Uses(const FunnelAttempt& attempt, size_t hit) {
  for (size_t s = 0; s < attempt.reached; ++s) {
    if (attempt.hit[s] == hit) {
      return true;
    }
  }
  return false;
}

}  // namespace

void FunnelWalk::Follow(size_t entry, FunnelAttempt* attempt) {
  const size_t count = hits_.size();
  const int64_t deadline_ms = hits_[entry].time_ms + plan_->window_ms;
  attempt->hit[0] = static_cast<uint32_t>(entry);
  attempt->reached = 1;
  size_t last = entry;  // the latest hit in use
  while (attempt->reached < plan_->steps) {
    const uint64_t want = uint64_t{1} << attempt->reached;
    const uint64_t exclusions = plan_->exclusions[attempt->reached];
    const int64_t latest_ms = hits_[last].time_ms;
    size_t i = last;
    while (i > floor_ && hits_[i - 1].time_ms >= latest_ms - kFunnelGraceMs) {
      --i;
    }
    size_t excluded = count;
    bool found = false;
    for (; i < count && hits_[i].time_ms <= deadline_ms; ++i) {
      const Hit& hit = hits_[i];
      if (excluded != count && hit.time_ms > hits_[excluded].time_ms + kFunnelGraceMs) {
        break;
      }
      if ((hit.mask & (want | exclusions)) == 0) {
        continue;
      }
      if ((hit.mask & want) != 0 && (i > last || !Uses(*attempt, i)) && SameValues(entry, i)) {
        found = true;
        break;
      }
      if ((hit.mask & exclusions) != 0 && excluded == count &&
          hit.time_ms > latest_ms + kFunnelGraceMs) {
        excluded = i;
      }
    }
    if (!found) {
      floor_ = excluded != count ? excluded + 1 : std::max(i, last + 1);
      return;
    }
    attempt->hit[attempt->reached++] = static_cast<uint32_t>(i);
    last = std::max(last, i);
  }
  floor_ = last + 1;
}

}  // namespace bulkhead
