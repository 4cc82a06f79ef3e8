#include "incident/calendar.h"

#include <fmt/format.h>

#include <cstdio>

namespace bulkhead {
namespace {

using std::chrono::days, std::chrono::hours, std::chrono::milliseconds, std::chrono::sys_days;
using std::chrono::year_month_day;

std::chrono::sys_time<milliseconds> TimeOf(int64_t time_ms) {
  return std::chrono::sys_time<milliseconds>(milliseconds(time_ms));
}

}  // namespace

int64_t AddMonths(int64_t time_ms, int months) {
  const auto time = TimeOf(time_ms);
  const auto day = std::chrono::floor<days>(time);
  year_month_day date = year_month_day(day) + std::chrono::months(months);
  if (!date.ok()) date = date.year() / date.month() / std::chrono::last;
  return (sys_days(date) + (time - day)).time_since_epoch().count();
}

std::optional<int64_t> BusinessDaysAfter(int64_t time_ms, int count,
                                         const BusinessCalendar& calendar) {
  sys_days day = std::chrono::floor<days>(TimeOf(time_ms) + hours(calendar.day_offset_hours));
  if (day < calendar.first) return std::nullopt;
  while (count > 0) {
    day += days(1);
    if (day > calendar.last) return std::nullopt;
    const unsigned weekday = std::chrono::weekday(day).iso_encoding();
    if (weekday <= 5 && !calendar.holidays.contains(day)) --count;
  }
  const std::chrono::sys_time<milliseconds> midnight(day);
  return midnight.time_since_epoch().count() + calendar.closes_utc_ms;
}

std::string FormatDate(sys_days day) {
  const year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

std::string FormatDay(int32_t day) { return FormatDate(sys_days(days(day))); }

std::optional<int32_t> ReadDay(std::string_view text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  if (text.size() != 10 ||
      std::sscanf(std::string(text).c_str(), "%4d-%2u-%2u", &year, &month, &day) != 3) {
    return std::nullopt;
  }
  const year_month_day date{std::chrono::year(year), std::chrono::month(month),
                            std::chrono::day(day)};
  if (!date.ok() || FormatDate(sys_days(date)) != text) {
    return std::nullopt;
  }
  return static_cast<int32_t>(sys_days(date).time_since_epoch().count());
}

std::string FormatTime(int64_t time_ms) {
  const auto time = TimeOf(time_ms);
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string text = fmt::format("{} {:02}:{:02}", FormatDate(day), clock.hours().count(),
                                 clock.minutes().count());
  if (clock.seconds().count() != 0) text += fmt::format(":{:02}", clock.seconds().count());
  return text + " UTC";
}

}  // namespace bulkhead
