// What the questions of several reports are made of; see model/report.h.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "model/expression.h"

namespace bulkhead {

enum class TimeUnit : unsigned char { kSecond = 1, kMinute, kHour, kDay, kWeek, kMonth };

// Calendar dates, both inclusive, in the time zone of the report.
struct DateRange {
  std::string from;      // YYYY-MM-DD
  std::string to;        // YYYY-MM-DD
  std::string timezone;  // IANA name; empty = the project's
};

struct EventSelector {
  std::string event;       // empty = any event
  SharedExpression where;  // null = all
};

struct PropertyRef {
  std::string name;
  bool of_user = false;           // the profile's current value
  SharedExpression through = {};  // its value instead: an expression that reads this property only
};

inline constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();  // written as null

inline constexpr uint64_t kHiddenCount =
    std::numeric_limits<uint64_t>::max();  // of few people: written as null

}  // namespace bulkhead
