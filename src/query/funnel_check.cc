#include "query/funnel_check.h"

#include "store/person_scan.h"

namespace bulkhead {

Result<void> CheckFunnelIsAnswered(const FunnelReport& report) {
  if (report.steps.size() + report.exclude.size() + 2 > kMaxScanFilters) {
    return Error{ErrorCode::kInvalid, "steps: no more than 62 steps and exclusions together"};
  }
  if (report.order != FunnelOrder::kLoose) {
    return Error{ErrorCode::kInvalid, "order: this version answers loose only"};
  }
  if (report.window_sessions > 0) {
    return Error{ErrorCode::kInvalid, "window.unit: this version answers no windows of sessions"};
  }
  if (report.window_ms < 1000 || report.window_ms > 366LL * 86'400'000) {
    return Error{ErrorCode::kInvalid, "window: from a second to 366 days expected"};
  }
  return {};
}

}  // namespace bulkhead
