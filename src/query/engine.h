// Answers reports over one project's store. Every call takes a snapshot and answers from it, so an
// answer is consistent in itself and never blocks ingestion. Thread-safe. Meanings:
// docs/reports.md. Errors hold no property values.
//
// Who may ask, and writing down that a person was read, is the caller's business, before the call.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/policy.h"
#include "model/report.h"
#include "query/mixpanel_reports.h"

namespace bulkhead {

class Store;

struct QueryOptions {
  std::string timezone = "UTC";  // the project's; a report may name another
  const Clock* clock = &SystemClock();
  int threads = 2;  // tasks per report
};

class QueryEngine {
 public:
  QueryEngine(const Store* store, QueryOptions options);  // the store outlives the engine

  // In reports for readers outside (`shared`), what fewer people are behind is not shown.
  void SetSmallCount(uint64_t people) { small_count_ = people; }

  // Own reports (POST /api/v1/query). Run answers with the design's JSON.
  Result<std::string> Run(const Report& report) const;
  Result<InsightsResult> Insights(const InsightsReport& report) const;
  Result<FunnelResult> Funnel(const FunnelReport& report) const;
  Result<RetentionResult> Retention(const RetentionReport& report) const;
  Result<FlowResult> Flow(const FlowReport& report) const;
  Result<LifecycleResult> Lifecycle(const LifecycleReport& report) const;
  Result<SessionsResult> Sessions(const SessionsReport& report) const;
  Result<PeopleResult> People(const PeopleReport& report) const;

  // Mixpanel's query API; query/mixpanel_json.h writes the answers in its shapes.
  Result<SeriesTable> Segmentation(const SegmentationRequest& request) const;
  Result<SeriesTable> Events(const EventsRequest& request) const;
  Result<SeriesTable> EventPropertySeries(const EventPropertyRequest& request) const;
  Result<std::vector<std::string>> EventNames(const NamesRequest& request) const;
  Result<std::vector<TopEvent>> TopEvents(const NamesRequest& request) const;
  Result<std::vector<PropertyCount>> TopProperties(const NamesRequest& request) const;
  Result<std::vector<std::string>> PropertyValues(const NamesRequest& request) const;
  Result<CohortTable> CohortRetention(const CohortRetentionRequest& request) const;
  Result<AddictionResult> Addiction(const AddictionRequest& request) const;

  // Events of the given persons in time order (GET /stream/query).
  Result<std::vector<ActivityEvent>> Activity(const ActivityRequest& request) const;

  // Raw events as Mixpanel's JSONL, in chunks of whole lines of some 64 KB. `sink` returning false
  // stops quietly.
  using ExportSink = std::function<bool(std::string_view chunk)>;
  Result<void> ExportEvents(const ExportRequest& request, const ExportSink& sink) const;

  [[nodiscard]] const QueryOptions& options() const { return options_; }

 private:
  const Store* store_;
  QueryOptions options_;
  std::atomic<uint64_t> small_count_{kDefaultSmallCount};
};

}  // namespace bulkhead
