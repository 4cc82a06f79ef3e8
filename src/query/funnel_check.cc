#include "query/funnel_check.h"

#include "store/person_scan.h"

namespace bulkhead {

Result<void> CheckFunnelIsAnswered(const FunnelReport& report) {
  if (report.steps.size() + report.exclude.size() + 2 > kMaxScanFilters) {
    return Error{ErrorCode::kInvalid, "steps: no more than 62 steps and exclusions together"};
  }
  if (report.order != FunnelOrder::kLoose && !report.exclude.empty()) {
    return Error{ErrorCode::kInvalid, "exclude: with loose order only"};
  }
  if (report.window_sessions > 0 && report.count == FunnelCount::kSessions) {
    return Error{ErrorCode::kInvalid,
                 "window.unit: a funnel counted by sessions lies in one session"};
  }
  if (report.window_sessions < 0 || report.window_sessions > 12) {
    return Error{ErrorCode::kInvalid, "window: at most 12 sessions"};
  }
  if (report.window_ms < 1000 || report.window_ms > 366LL * 86'400'000) {
    return Error{ErrorCode::kInvalid, "window: from a second to 366 days expected"};
  }
  return {};
}

}  // namespace bulkhead
