// How many sessions people had, how long and how full they were, and the answer. docs/reports.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/ids.h"
#include "model/report_parts.h"
#include "model/value.h"

namespace bulkhead {

inline constexpr size_t kMaxSessionExclusions = 16;

struct SessionsReport {
  ProjectId project;
  DateRange range;  // in which sessions begin
  TimeUnit unit = TimeUnit::kDay;
  int interval = 1;
  int64_t timeout_ms = 30LL * 60 * 1000;
  std::vector<EventSelector> exclude;  // events that neither begin nor stretch a session
  SharedExpression where;              // of a session's first event; null = all
  std::vector<PropertyRef> breakdown;  // of a session's first event
  size_t segment_limit = 200;
};

// Of the sessions that begin in one bucket, or in the whole range.
struct SessionNumbers {
  uint64_t sessions = 0;
  uint64_t people = 0;          // that had them
  double average_s = kNoValue;  // from a session's first event to its last
  double average_events = kNoValue;
};

struct SessionsSeries {
  std::vector<Value> segment;  // one per breakdown; empty = no breakdown
  bool is_other = false;
  std::vector<SessionNumbers> buckets;  // one per date
  SessionNumbers overall;
  double median_s = kNoValue;  // of the whole range
  double p90_s = kNoValue;
};

struct SessionsResult {
  std::vector<std::string> dates;
  std::vector<SessionsSeries> series;  // most sessions first, the others together last
};

}  // namespace bulkhead
