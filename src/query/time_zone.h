// IANA time zones, and the calendar buckets of reports as UTC milliseconds, so that kernels only
// compare numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/report.h"

namespace date {
class time_zone;
}

namespace bulkhead {

// A zone of the system's tzdata; cheap to copy, valid for the life of the program.
class TimeZone {
 public:
  static Result<TimeZone> Find(std::string_view name);

  // First instant of the local day, `days` after 1970-01-01. Where clocks skip midnight: the
  // instant of the change.
  [[nodiscard]] int64_t DayStartMs(int64_t days) const;
  // First instant of the local minute, counted without regard to the zone since 1970-01-01T00:00.
  [[nodiscard]] int64_t MinuteStartMs(int64_t minutes) const;
  [[nodiscard]] int64_t LocalDay(int64_t time_ms) const;
  [[nodiscard]] int64_t LocalMinute(int64_t time_ms) const;

 private:
  explicit TimeZone(const date::time_zone* zone) : zone_(zone) {}
  const date::time_zone* zone_;
};

// Days since 1970-01-01 of YYYY-MM-DD.
Result<int64_t> ParseDay(std::string_view date);
std::string FormatDay(int64_t days);
// The first day of the month that is `months` after that of `days`.
int64_t MonthStart(int64_t days, int64_t months);
// The Monday on or before it.
int64_t WeekStart(int64_t days);

// Consecutive half-open buckets that cover the range exactly: the first and the last may be cut by
// it.
class Buckets {
 public:
  // Weeks begin on Monday; hours and minutes that clocks repeat make one long bucket, those they
  // skip make none.
  static Result<Buckets> Make(const DateRange& range, const TimeZone& zone, TimeUnit unit,
                              int interval);

  [[nodiscard]] size_t size() const { return labels_.size(); }
  [[nodiscard]] int64_t from_ms() const { return bounds_.front(); }
  [[nodiscard]] int64_t to_ms() const { return bounds_.back(); }
  [[nodiscard]] int64_t start_ms(size_t bucket) const { return bounds_[bucket]; }
  [[nodiscard]] int64_t end_ms(size_t bucket) const { return bounds_[bucket + 1]; }
  // Local start: YYYY-MM-DD, with " HH:MM:SS" for hours and minutes. A week's Monday, a month's
  // first.
  [[nodiscard]] const std::vector<std::string>& labels() const { return labels_; }

  // from_ms() <= time_ms < to_ms()
  [[nodiscard]] size_t Of(int64_t time_ms) const {
    size_t guess = static_cast<size_t>(static_cast<double>(time_ms - bounds_.front()) * inverse_);
    guess = guess < size() ? guess : size() - 1;
    while (time_ms < bounds_[guess]) {
      --guess;
    }
    while (time_ms >= bounds_[guess + 1]) {
      ++guess;
    }
    return guess;
  }

 private:
  std::vector<int64_t> bounds_;  // size() + 1 of them, ascending
  std::vector<std::string> labels_;
  double inverse_ = 0;
};

}  // namespace bulkhead
