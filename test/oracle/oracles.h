// Reports over a plain history, written from the contract's words and docs/reports.md, for
// shortness and not for speed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "oracle/history.h"

namespace bulkhead::oracle {

// By segment (JSON of its values, comma-separated; "*" = overall): persons or attempts per step,
// and the sum of the seconds from the step before.
struct FunnelAnswer {
  struct Row {
    std::vector<uint64_t> counts;
    std::vector<double> seconds;
    friend bool operator==(const Row&, const Row&) = default;
  };
  std::map<std::string, Row> rows;                                // the whole range
  std::map<std::string, std::map<std::string, Row>> rows_by_day;  // by date
};
FunnelAnswer Funnel(const Scenario& scenario, const PlainHistory& history,
                    const FunnelReport& report);

// By date and segment: size, then the counts.
using RetentionAnswer = std::map<std::string, std::map<std::string, std::vector<uint64_t>>>;
RetentionAnswer Retention(const Scenario& scenario, const PlainHistory& history,
                          const RetentionReport& report);

// One metric: by segment and date, zeroes and no-values left out; the date "*" = the whole range.
using InsightsAnswer = std::map<std::string, std::map<std::string, double>>;
InsightsAnswer Insights(const Scenario& scenario, const PlainHistory& history,
                        const InsightsReport& report);

// By date: persons active in at least k + 1 sub-units.
std::map<std::string, std::vector<uint64_t>> Addiction(const Scenario& scenario,
                                                       const PlainHistory& history,
                                                       const EventSelector& selector, TimeUnit unit,
                                                       TimeUnit sub_unit);

}  // namespace bulkhead::oracle
