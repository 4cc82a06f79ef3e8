#include "query/flow_walk.h"

#include <algorithm>

namespace bulkhead {

bool FlowWalk::HoldsValues(size_t hit) const {
  const std::span<const uint32_t> values = held_.subspan(hit * plan_->hold, plan_->hold);
  return std::ranges::all_of(values, [](uint32_t value) { return value != 0; });
}

bool FlowWalk::SameValues(size_t a, size_t b) const {
  return std::ranges::equal(held_.subspan(a * plan_->hold, plan_->hold),
                            held_.subspan(b * plan_->hold, plan_->hold));
}

bool FlowWalk::IsStep(size_t hit) const {
  return (hits_[hit].mask & plan_->excluded) == 0 && SameValues(entry_, hit);
}

// Each the first of its event behind the one before.
void FlowWalk::FollowAnchors(Flow* flow) const {
  const int64_t last_ms = hits_[entry_].time_ms + plan_->window_ms;
  flow->anchors[0] = static_cast<uint32_t>(entry_);
  flow->reached = 1;
  for (size_t i = entry_ + 1; i < end_ && hits_[i].time_ms <= last_ms; ++i) {
    if (flow->reached == plan_->anchors.size()) {
      return;
    }
    if ((hits_[i].mask >> flow->reached & 1U) != 0 && SameValues(entry_, i)) {
      flow->anchors[flow->reached++] = static_cast<uint32_t>(i);
    }
  }
}

// The first steps behind an anchor, up to hit `end`.
void FlowWalk::TakeAfter(size_t anchor, size_t end, Flow* flow) const {
  const FlowPlan::Anchor& plan = plan_->anchors[anchor];
  size_t taken = 0;
  for (size_t i = flow->anchors[anchor] + 1; i < end && taken < plan.after; ++i) {
    if (IsStep(i)) flow->hit[plan.column + ++taken] = static_cast<uint32_t>(i);
  }
}

// The last steps before an anchor, from hit `begin` on, in the columns next to it.
void FlowWalk::TakeBefore(size_t anchor, size_t begin, Flow* flow) const {
  const FlowPlan::Anchor& plan = plan_->anchors[anchor];
  size_t taken = 0;
  for (size_t i = flow->anchors[anchor]; i > begin && taken < plan.before; --i) {
    if (IsStep(i - 1)) flow->hit[plan.column - ++taken] = static_cast<uint32_t>(i - 1);
  }
}

void FlowWalk::TakeSteps(Flow* flow) const {
  const int64_t entry_ms = hits_[entry_].time_ms;
  size_t first = entry_;
  while (first > begin_ && hits_[first - 1].time_ms >= entry_ms - plan_->window_ms) --first;
  TakeBefore(0, first, flow);
  for (size_t a = 0; a < flow->reached; ++a) {
    const FlowPlan::Anchor& plan = plan_->anchors[a];
    flow->hit[plan.column] = flow->anchors[a];
    if (a + 1 < flow->reached) {
      TakeAfter(a, flow->anchors[a + 1], flow);
      // What lies between two anchors stands behind the first, and what that has no room for
      // before the second.
      size_t begin = flow->anchors[a] + 1;
      if (plan.after > 0) {
        const uint32_t last = flow->hit[plan.column + plan.after];
        begin = last == Flow::kNone ? flow->anchors[a + 1] : last + 1;
      }
      TakeBefore(a + 1, begin, flow);
      continue;
    }
    size_t end = flow->anchors[a] + 1;
    while (end < end_ && hits_[end].time_ms <= entry_ms + plan_->window_ms) ++end;
    TakeAfter(a, end, flow);
  }
}

bool FlowWalk::Next(int64_t from_ms, int64_t to_ms, Flow* flow) {
  for (size_t i = next_; i < end_ && hits_[i].time_ms < to_ms; ++i) {
    if ((hits_[i].mask & 1) == 0 || hits_[i].time_ms < from_ms || !HoldsValues(i)) {
      continue;
    }
    entry_ = i;
    std::fill_n(flow->hit.begin(), plan_->columns, Flow::kNone);
    FollowAnchors(flow);
    TakeSteps(flow);
    next_ = flow->anchors[flow->reached - 1] + 1;
    return true;
  }
  next_ = end_;
  return false;
}

}  // namespace bulkhead
