// How a product's people come, stay, leave and come back, and the answer. docs/reports.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/ids.h"
#include "model/report_parts.h"

namespace bulkhead {

struct LifecycleReport {
  ProjectId project;
  DateRange range;                  // widened to whole units
  EventSelector selector;           // doing this is being active; no event: any
  TimeUnit unit = TimeUnit::kWeek;  // day, week or month
};

struct LifecycleBucket {
  std::string date;
  uint64_t fresh = 0;         // active, and never before
  uint64_t returning = 0;     // active, as in the unit before
  uint64_t resurrecting = 0;  // active, not in the unit before, but earlier
  uint64_t dormant = 0;       // not active, and they were in the unit before
  bool complete = false;      // the unit is over
};

struct LifecycleResult {
  std::vector<LifecycleBucket> buckets;
};

}  // namespace bulkhead
