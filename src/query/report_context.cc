#include "query/report_context.h"

#include <algorithm>
#include <cmath>

#include "base/limits.h"

namespace bulkhead {

SharedExpression Both(const SharedExpression& a, const SharedExpression& b) {
  if (a == nullptr || b == nullptr) {
    return a == nullptr ? b : a;
  }
  Expression both;
  both.op = ExpressionOp::kAnd;
  both.children = {*a, *b};
  return std::make_shared<const Expression>(std::move(both));
}

SegmentSlots SegmentSlots::All(uint32_t combinations) {
  SegmentSlots slots;
  slots.size_ = combinations;
  return slots;
}

SegmentSlots SegmentSlots::Largest(std::span<const double> counts, size_t limit) {
  std::vector<uint32_t> order;
  for (uint32_t id = 0; id < counts.size(); ++id) {
    if (counts[id] != 0 && !std::isnan(counts[id])) {
      order.push_back(id);
    }
  }
  const size_t kept = std::min(order.size(), limit);
  std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(kept), order.end(),
                    [&](uint32_t a, uint32_t b) {
                      return counts[a] != counts[b] ? counts[a] > counts[b] : a < b;
                    });
  order.resize(kept);
  SegmentSlots slots;
  slots.size_ = static_cast<uint32_t>(order.size()) + 1;
  slots.slots_.assign(counts.size(), slots.size_ - 1);
  for (uint32_t slot = 0; slot < order.size(); ++slot) {
    slots.slots_[order[slot]] = slot;
  }
  slots.combinations_ = std::move(order);
  return slots;
}

Result<void> CheckCells(double bytes, int threads) {
  if (bytes * threads > static_cast<double>(limits::kMaxReportBytes)) {
    return Error{
        ErrorCode::kInvalid,
        "limit, unit, breakdown: more cells than a report may have; ask for fewer segments "
        "or dates"};
  }
  return {};
}

}  // namespace bulkhead
