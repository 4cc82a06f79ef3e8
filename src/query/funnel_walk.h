// One person's way through a funnel: a pure function of that person's hits in (time, sequence)
// order.
//
// Bits of a hit's mask: bit s = step s; bits from `steps` on = the exclusions. For strict order,
// and for windows of sessions, the hits are all events. The rules in words: docs/reports.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/limits.h"
#include "model/report.h"
#include "store/person_scan.h"

namespace bulkhead {

inline constexpr int64_t kFunnelGraceMs = 2000;  // steps this close are taken in either order

struct FunnelPlan {
  size_t steps = 0;
  FunnelOrder order = FunnelOrder::kLoose;
  int64_t window_ms = 0;
  uint32_t window_sessions = 0;  // > 0: the window is so many sessions, with the entry's
  size_t hold = 0;               // how many held values each hit has
  // [r] = bits of the exclusions that end an attempt with r steps done
  std::array<uint64_t, limits::kMaxFunnelSteps + 1> exclusions{};
};

// A way into the funnel: hit[s] is the index of the hit that did step s, for s < reached; in any
// order, that was the s-th to do one more step.
struct FunnelAttempt {
  size_t reached = 0;
  std::array<uint32_t, limits::kMaxFunnelSteps> hit{};
};

class FunnelWalk {
 public:
  explicit FunnelWalk(const FunnelPlan& plan) : plan_(&plan) {}

  // Sets the person. `held` has plan.hold ids per hit, 0 = not set; it may be empty where nothing
  // is held.
  void Begin(std::span<const Hit> hits, std::span<const uint32_t> held) {
    hits_ = hits;
    held_ = held;
    floor_ = 0;
  }
  // For windows of sessions: which one each hit is in, counted up. After Begin.
  void SetSessions(std::span<const uint32_t> sessions) { sessions_ = sessions; }

  // Limits the walk to hits [begin, end): one session.
  void Restrict(size_t begin, size_t end) {
    floor_ = begin;
    hits_ = hits_.first(end);
  }

  // The next attempt whose first step lies in [from_ms, to_ms), or false. It begins after the one
  // before has ended: by conversion, by its window or by an exclusion.
  bool Next(int64_t from_ms, int64_t to_ms, FunnelAttempt* attempt) {
    const uint64_t entries = plan_->order == FunnelOrder::kAny ? AllSteps() : 1;
    for (size_t i = floor_; i < hits_.size() && hits_[i].time_ms < to_ms; ++i) {
      if ((hits_[i].mask & entries) != 0 && hits_[i].time_ms >= from_ms && HoldsValues(i)) {
        Follow(i, attempt);
        return true;
      }
    }
    floor_ = hits_.size();
    return false;
  }

 private:
  [[nodiscard]] bool HoldsValues(size_t hit) const {
    for (size_t h = 0; h < plan_->hold; ++h) {
      if (held_[hit * plan_->hold + h] == 0) {
        return false;
      }
    }
    return true;
  }
  [[nodiscard]] bool SameValues(size_t a, size_t b) const {
    for (size_t h = 0; h < plan_->hold; ++h) {
      if (held_[a * plan_->hold + h] != held_[b * plan_->hold + h]) {
        return false;
      }
    }
    return true;
  }
  [[nodiscard]] uint64_t AllSteps() const { return ~uint64_t{0} >> (64 - plan_->steps); }
  // Whether a hit behind the entry is still in its window.
  [[nodiscard]] bool InWindow(size_t entry, size_t hit) const {
    return plan_->window_sessions > 0
               ? sessions_[hit] < sessions_[entry] + plan_->window_sessions
               : hits_[hit].time_ms <= hits_[entry].time_ms + plan_->window_ms;
  }
  void Follow(size_t entry, FunnelAttempt* attempt);
  void FollowLoose(size_t entry, FunnelAttempt* attempt);
  void FollowStrict(size_t entry, FunnelAttempt* attempt);
  void FollowAny(size_t entry, FunnelAttempt* attempt);

  const FunnelPlan* plan_;
  std::span<const Hit> hits_;
  std::span<const uint32_t> held_;
  std::span<const uint32_t> sessions_;
  size_t floor_ = 0;  // hits before it belong to earlier attempts
};

}  // namespace bulkhead
