// Reports over a plain history, written from the contract's words and docs/reports.md, for
// shortness and not for speed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "oracle/history.h"
#include "query/mixpanel_reports.h"

namespace bulkhead::oracle {

// By segment (JSON of its values, comma-separated; "*" = overall): persons or attempts per step and
// their times, of which the oracle keeps all.
struct FunnelAnswer {
  struct Row {
    std::vector<uint64_t> counts;
    std::vector<std::vector<double>> previous_s;  // [step], of the oracle only
    std::vector<std::vector<double>> start_s;
    std::vector<FunnelStepResult> steps;
  };
  std::map<std::string, Row> rows;                                // the whole range
  std::map<std::string, std::map<std::string, Row>> rows_by_day;  // by date
};
// Between the closest ranks; of at least one number.
double Quantile(std::vector<double> numbers, double percent);

FunnelAnswer Funnel(const Scenario& scenario, const PlainHistory& history,
                    const FunnelReport& report);

struct RetentionAnswer {
  // By date and segment: size, then the counts.
  std::map<std::string, std::map<std::string, std::vector<uint64_t>>> rows;
  std::map<std::string, uint64_t> complete;  // by date: buckets that are over for all of it
  std::vector<double> average;
};
RetentionAnswer Retention(const Scenario& scenario, const PlainHistory& history,
                          const RetentionReport& report);

// One metric: by segment and date, zeroes and no-values left out; the date "*" = the whole range.
using InsightsAnswer = std::map<std::string, std::map<std::string, double>>;
InsightsAnswer Insights(const Scenario& scenario, const PlainHistory& history,
                        const InsightsReport& report);

// Mixpanel's segmentation: by row and date, zeroes left out. Of ranges, the rows are those of
// `ranges`, whose labels are read.
InsightsAnswer Segmentation(const Scenario& scenario, const PlainHistory& history,
                            const SegmentationRequest& request,
                            const std::vector<std::string>& ranges);

// By date: persons active in at least k + 1 sub-units.
std::map<std::string, std::vector<uint64_t>> Addiction(const Scenario& scenario,
                                                       const PlainHistory& history,
                                                       const EventSelector& selector, TimeUnit unit,
                                                       TimeUnit sub_unit);

// Everything of a flow that is shown, as lines of text.
std::string Flow(const Scenario& scenario, const PlainHistory& history, const FlowReport& report);
// The engine's answer in the same form.
std::string FlowText(const FlowResult& result);

// As lines of text, as LifecycleText has the engine's.
std::string Lifecycle(const Scenario& scenario, const PlainHistory& history,
                      const LifecycleReport& report);
std::string LifecycleText(const LifecycleResult& result);

// As lines of text, as SessionsText has the engine's.
std::string SessionsOf(const Scenario& scenario, const PlainHistory& history,
                       const SessionsReport& report);
std::string SessionsText(const SessionsResult& result);

}  // namespace bulkhead::oracle
