// Inside query/ only: the passes over the data that an insights report needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "query/breakdown.h"
#include "query/metric_cells.h"
#include "query/report_context.h"
#include "query/time_zone.h"

namespace bulkhead {

// The buckets whose trailing window holds a moment.
struct RollingWindows {
  std::vector<int64_t> starts_ms;  // by bucket, ascending
  std::vector<int64_t> ends_ms;
};

struct MetricSetup {
  const InsightsMetric* metric = nullptr;
  uint64_t bit = 0;
  size_t filter = 0;
  std::optional<NumberColumn> numbers;
  std::optional<ValueIds> ids;  // distinct
  RollingWindows windows;
};

struct InsightsSetup {
  const ReportContext* context = nullptr;
  const ScanContext* scan = nullptr;
  const Buckets* buckets = nullptr;
  const Breakdown* breakdown = nullptr;
  SegmentSlots slots = SegmentSlots::All(1);
  std::vector<MetricSetup> metrics;
  bool rows_by_person = false;  // something depends on profiles
  bool ranking = false;         // only the range as a whole
};

// One MetricCells per metric, of all threads.
Result<std::vector<MetricCells>> RunInsightsScans(const InsightsSetup& setup);

}  // namespace bulkhead
