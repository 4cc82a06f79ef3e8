#include "query/funnel_walk.h"

#include <algorithm>
#include <array>

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

// Which hit does which step, where order does not matter: a largest matching (Kuhn's augmenting
// paths), so that a hit that could do several steps never takes the only one that another could do.
class StepMatching {
 public:
  explicit StepMatching(std::span<const Hit> hits) : hits_(hits) { hit_of_.fill(kNone); }

  // Whether one more step can be done with this hit, too.
  bool Add(uint32_t hit, uint64_t steps) {
    tried_ = 0;
    steps_ = steps;
    return Place(hit);
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  bool Place(uint32_t hit) {
    for (uint64_t left = hits_[hit].mask & steps_ & ~tried_; left != 0;
         left = hits_[hit].mask & steps_ & ~tried_) {
      const auto step = static_cast<size_t>(__builtin_ctzll(left));
      tried_ |= uint64_t{1} << step;
      if (hit_of_[step] == kNone || Place(hit_of_[step])) {
        hit_of_[step] = hit;
        return true;
      }
    }
    return false;
  }

  std::span<const Hit> hits_;
  std::array<uint32_t, limits::kMaxFunnelSteps> hit_of_{};
  uint64_t steps_ = 0;
  uint64_t tried_ = 0;
};

}  // namespace

void FunnelWalk::Follow(size_t entry, FunnelAttempt* attempt) {
  switch (plan_->order) {
    case FunnelOrder::kLoose:
      return FollowLoose(entry, attempt);
    case FunnelOrder::kStrict:
      return FollowStrict(entry, attempt);
    case FunnelOrder::kAny:
      return FollowAny(entry, attempt);
  }
}

// Each step is the very next event.
void FunnelWalk::FollowStrict(size_t entry, FunnelAttempt* attempt) {
  attempt->hit[0] = static_cast<uint32_t>(entry);
  attempt->reached = 1;
  size_t i = entry + 1;
  for (; attempt->reached < plan_->steps && i < hits_.size() && InWindow(entry, i); ++i) {
    if ((hits_[i].mask >> attempt->reached & 1) == 0 || !SameValues(entry, i)) break;
    attempt->hit[attempt->reached++] = static_cast<uint32_t>(i);
  }
  floor_ = i;
}

void FunnelWalk::FollowAny(size_t entry, FunnelAttempt* attempt) {
  StepMatching matching(hits_);
  attempt->reached = 0;
  size_t i = entry;
  for (; attempt->reached < plan_->steps && i < hits_.size() && InWindow(entry, i); ++i) {
    if ((hits_[i].mask & AllSteps()) != 0 && SameValues(entry, i) &&
        matching.Add(static_cast<uint32_t>(i), AllSteps())) {
      attempt->hit[attempt->reached++] = static_cast<uint32_t>(i);
    }
  }
  floor_ = i;
}

void FunnelWalk::FollowLoose(size_t entry, FunnelAttempt* attempt) {
  const size_t count = hits_.size();
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
    for (; i < count && InWindow(entry, i); ++i) {
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
