// One person's way along the anchors of a flow, and what lay before and after: a pure function of
// that person's hits in (time, sequence) order. The rules in words: docs/reports.md.
//
// Bits of a hit's mask: bit a = anchor a; `excluded` = events that are passed over.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/flow_report.h"
#include "store/person_scan.h"

namespace bulkhead {

struct FlowPlan {
  struct Anchor {
    size_t column = 0;  // its own
    size_t before = 0;  // columns before that one
    size_t after = 0;   // and behind it
  };
  std::vector<Anchor> anchors;  // at most kMaxFlowAnchors
  size_t columns = 0;
  int64_t window_ms = 0;
  uint64_t excluded = 0;
  size_t hold = 0;  // how many held values each hit has
};

// The hits of a flow by column.
struct Flow {
  static constexpr uint32_t kNone = UINT32_MAX;
  size_t reached = 0;  // anchors that were done; at least 1
  std::array<uint32_t, kMaxFlowAnchors> anchors{};
  std::array<uint32_t, kMaxFlowColumns> hit{};
};

class FlowWalk {
 public:
  explicit FlowWalk(const FlowPlan& plan) : plan_(&plan) {}

  // Sets the person. `held` has plan.hold ids per hit, 0 = not set.
  void Begin(std::span<const Hit> hits, std::span<const uint32_t> held) {
    hits_ = hits;
    held_ = held;
    Restrict(0, hits.size());
  }
  // Limits the walk to hits [begin, end): one session.
  void Restrict(size_t begin, size_t end) {
    begin_ = begin;
    end_ = end;
    next_ = begin;
  }

  // The next flow whose first anchor lies in [from_ms, to_ms), or false. It begins behind the last
  // anchor of the one before.
  bool Next(int64_t from_ms, int64_t to_ms, Flow* flow);

 private:
  [[nodiscard]] bool HoldsValues(size_t hit) const;
  [[nodiscard]] bool SameValues(size_t a, size_t b) const;
  [[nodiscard]] bool IsStep(size_t hit) const;
  void FollowAnchors(Flow* flow) const;
  void TakeAfter(size_t anchor, size_t end, Flow* flow) const;
  void TakeBefore(size_t anchor, size_t begin, Flow* flow) const;
  void TakeSteps(Flow* flow) const;

  const FlowPlan* plan_;
  std::span<const Hit> hits_;
  std::span<const uint32_t> held_;
  size_t begin_ = 0, end_ = 0;
  size_t next_ = 0;   // the next flow begins here or later
  size_t entry_ = 0;  // the first anchor of the present one
};

}  // namespace bulkhead
