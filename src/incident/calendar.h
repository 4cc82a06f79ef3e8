// The arithmetic of deadlines, on UTC milliseconds. Where a law leaves room (the hour at which a
// day ends, the time zone of a place), the earlier moment is given. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace bulkhead {

inline constexpr int64_t kHourMs = 3600LL * 1000;
inline constexpr int64_t kDayMs = 24 * kHourMs;

// The same day of the month and time of day so many months later; the month's last day where it is
// shorter: 31 January and one month is 28 or 29 February.
int64_t AddMonths(int64_t time_ms, int months);

// Monday to Friday without holidays.
struct BusinessCalendar {
  std::chrono::sys_days first;  // what it covers; the holidays of other years are not known
  std::chrono::sys_days last;
  std::set<std::chrono::sys_days> holidays;
  int day_offset_hours = 0;   // local days begin so many hours after UTC's; negative: before
  int64_t closes_utc_ms = 0;  // the time of day, UTC, at which a due day ends
};
// The close of the n-th business day after the local day that `time_ms` lies in. Nothing where the
// calendar does not reach so far.
std::optional<int64_t> BusinessDaysAfter(int64_t time_ms, int days,
                                         const BusinessCalendar& calendar);

// "2025-11-28 14:05 UTC"; seconds only where there are any.
std::string FormatTime(int64_t time_ms);
std::string FormatDate(std::chrono::sys_days day);
// The same of a day since 1970.
std::string FormatDay(int32_t day);
// What FormatDay writes, and nothing else.
std::optional<int32_t> ReadDay(std::string_view text);

}  // namespace bulkhead
