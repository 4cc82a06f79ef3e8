#include "query/time_zone.h"

#include <date/date.h>
#include <date/tz.h>

#include <algorithm>
#include <exception>

namespace bulkhead {
namespace {

constexpr int64_t kMinutesPerDay = 1440;
constexpr size_t kMaxBuckets = 50'000;  // of one report: five weeks of minutes

int64_t FloorDivide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

date::year_month_day ToDate(int64_t days) {
  return date::year_month_day(date::sys_days(date::days(days)));
}

std::string FormatMinute(int64_t minutes) {
  const int64_t day = FloorDivide(minutes, kMinutesPerDay);
  const int64_t of_day = minutes - day * kMinutesPerDay;
  const auto two = [](int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return FormatDay(day) + " " + two(of_day / 60) + ":" + two(of_day % 60) + ":00";
}

// The local starts of the buckets: days for day, week and month, minutes for hour and minute.
std::vector<int64_t> LocalStarts(int64_t from_day, int64_t end_day, TimeUnit unit, int interval) {
  std::vector<int64_t> starts;
  if (unit == TimeUnit::kHour || unit == TimeUnit::kMinute) {
    const int64_t step = (unit == TimeUnit::kHour ? 60 : 1) * int64_t{interval};
    for (int64_t at = from_day * kMinutesPerDay;
         at < end_day * kMinutesPerDay && starts.size() <= kMaxBuckets; at += step) {
      starts.push_back(at);
    }
    return starts;
  }
  const int64_t first = unit == TimeUnit::kWeek    ? WeekStart(from_day)
                        : unit == TimeUnit::kMonth ? MonthStart(from_day, 0)
                                                   : from_day;
  for (int64_t n = 0; starts.size() <= kMaxBuckets; n += interval) {
    const int64_t at = unit == TimeUnit::kMonth ? MonthStart(first, n)
                                                : first + n * (unit == TimeUnit::kWeek ? 7 : 1);
    if (at >= end_day) {
      break;
    }
    starts.push_back(at);
  }
  return starts;
}

}  // namespace

Result<TimeZone> TimeZone::Find(std::string_view name) {
  try {
    return TimeZone(date::locate_zone(name));
  } catch (const std::exception&) {
    return Error{ErrorCode::kInvalid, "timezone: not a zone of the IANA database"};
  }
}

int64_t TimeZone::DayStartMs(int64_t days) const { return MinuteStartMs(days * kMinutesPerDay); }

int64_t TimeZone::MinuteStartMs(int64_t minutes) const {
  const date::local_time<std::chrono::minutes> local{std::chrono::minutes(minutes)};
  const auto instant = zone_->to_sys(local, date::choose::earliest);
  return std::chrono::duration_cast<std::chrono::milliseconds>(instant.time_since_epoch()).count();
}

int64_t TimeZone::LocalMinute(int64_t time_ms) const {
  const date::sys_time<std::chrono::milliseconds> instant{std::chrono::milliseconds(time_ms)};
  const auto local = zone_->to_local(instant);
  return FloorDivide(local.time_since_epoch().count(), 60'000);
}

int64_t TimeZone::LocalDay(int64_t time_ms) const {
  return FloorDivide(LocalMinute(time_ms), kMinutesPerDay);
}

Result<int64_t> ParseDay(std::string_view date) {
  const std::optional<int64_t> time_ms =
      date.size() == 10 ? ParseDateTimeMs(date) : std::optional<int64_t>();
  if (!time_ms) {
    return Error{ErrorCode::kInvalid, "a date YYYY-MM-DD expected"};
  }
  return FloorDivide(*time_ms, 86'400'000);
}

std::string FormatDay(int64_t days) { return date::format("%F", date::sys_days(date::days(days))); }

int64_t MonthStart(int64_t days, int64_t months) {
  const date::year_month_day day = ToDate(days);
  const date::year_month month = day.year() / day.month() + date::months(months);
  return date::sys_days(month / date::day(1)).time_since_epoch().count();
}

int64_t WeekStart(int64_t days) {
  const date::weekday weekday{date::sys_days(date::days(days))};
  return days - static_cast<int64_t>((weekday - date::Monday).count());
}

Result<Buckets> Buckets::Make(const DateRange& range, const TimeZone& zone, TimeUnit unit,
                              int interval) {
  const Result<int64_t> from_day = ParseDay(range.from);
  const Result<int64_t> to_day = ParseDay(range.to);
  if (!from_day || !to_day || *to_day < *from_day || interval < 1) {
    return Error{ErrorCode::kInvalid, "from, to: two dates YYYY-MM-DD in order expected"};
  }
  const bool fine = unit == TimeUnit::kHour || unit == TimeUnit::kMinute;
  const std::vector<int64_t> starts = LocalStarts(*from_day, *to_day + 1, unit, interval);
  if (starts.size() > kMaxBuckets) {
    return Error{ErrorCode::kInvalid, "unit: too fine for so long a range"};
  }
  const int64_t from_ms = zone.DayStartMs(*from_day);
  const int64_t to_ms = zone.DayStartMs(*to_day + 1);
  Buckets buckets;
  for (const int64_t start : starts) {
    const int64_t start_ms =
        std::max(from_ms, fine ? zone.MinuteStartMs(start) : zone.DayStartMs(start));
    if (!buckets.bounds_.empty() && start_ms <= buckets.bounds_.back()) {
      // Clocks skip the hour before this one: both begin with the instant of the change.
      buckets.labels_.back() = fine ? FormatMinute(start) : FormatDay(start);
      continue;
    }
    buckets.bounds_.push_back(start_ms);
    buckets.labels_.push_back(fine ? FormatMinute(start) : FormatDay(start));
  }
  buckets.bounds_.push_back(to_ms);
  buckets.inverse_ = static_cast<double>(buckets.size()) / static_cast<double>(to_ms - from_ms);
  return buckets;
}

}  // namespace bulkhead
