#include "query/engine.h"

#include <utility>

#include "query/addiction.h"
#include "query/event_names.h"
#include "query/export.h"
#include "query/flow.h"
#include "query/flow_json.h"
#include "query/funnel.h"
#include "query/insights_lines.h"
#include "query/lifecycle.h"
#include "query/mixpanel_json.h"
#include "query/people.h"
#include "query/report_context.h"
#include "query/retention.h"
#include "query/segmentation.h"
#include "query/session_report.h"
#include "query/shared_reports.h"
#include "store/store.h"

namespace bulkhead {
namespace {

Result<ReportContext> MakeContext(const Store& store, const QueryOptions& options,
                                  const std::string& timezone) {
  const Result<TimeZone> zone = TimeZone::Find(timezone.empty() ? options.timezone : timezone);
  if (!zone) {
    return zone.error();
  }
  return ReportContext{store.snapshot(), *zone, options.clock->NowMs(), options.threads};
}

// Answers with `run` over a context in the given zone.
template <typename Run>
auto Answer(const Store& store, const QueryOptions& options, const std::string& timezone,
            const Run& run) -> decltype(run(std::declval<const ReportContext&>())) {
  const Result<ReportContext> context = MakeContext(store, options, timezone);
  if (!context) {
    return context.error();
  }
  return run(*context);
}

template <typename T>
Result<std::string> Written(const Result<T>& result, std::string (*write)(const T&)) {
  if (!result) {
    return result.error();
  }
  return write(*result);
}

}  // namespace

QueryEngine::QueryEngine(const Store* store, QueryOptions options)
    : store_(store), options_(std::move(options)) {}

Result<std::string> QueryEngine::Run(const Report& report) const {
  if (const auto* insights = std::get_if<InsightsReport>(&report)) {
    return Written(Insights(*insights), &InsightsJson);
  }
  if (const auto* funnel = std::get_if<FunnelReport>(&report)) {
    return Written(Funnel(*funnel), &FunnelJson);
  }
  if (const auto* retention = std::get_if<RetentionReport>(&report)) {
    return Written(Retention(*retention), &RetentionJson);
  }
  if (const auto* flow = std::get_if<FlowReport>(&report)) {
    return Written(Flow(*flow), &FlowJson);
  }
  if (const auto* lifecycle = std::get_if<LifecycleReport>(&report)) {
    return Written(Lifecycle(*lifecycle), &LifecycleJson);
  }
  if (const auto* sessions = std::get_if<SessionsReport>(&report)) {
    return Written(Sessions(*sessions), &SessionsJson);
  }
  return Written(People(std::get<PeopleReport>(report)), &PeopleJson);
}

Result<InsightsResult> QueryEngine::Insights(const InsightsReport& report) const {
  return Answer(*store_, options_, report.range.timezone, [&](const ReportContext& context) {
    return report.shared ? RunSharedInsights(context, report, small_count_)
                         : RunInsightsLines(context, report);
  });
}

Result<FunnelResult> QueryEngine::Funnel(const FunnelReport& report) const {
  return Answer(*store_, options_, report.range.timezone, [&](const ReportContext& context) {
    return report.shared ? RunSharedFunnel(context, report, small_count_)
                         : RunFunnel(context, report);
  });
}

Result<RetentionResult> QueryEngine::Retention(const RetentionReport& report) const {
  return Answer(*store_, options_, report.range.timezone, [&](const ReportContext& context) {
    return report.shared ? RunSharedRetention(context, report, small_count_)
                         : RunRetention(context, report);
  });
}

Result<FlowResult> QueryEngine::Flow(const FlowReport& report) const {
  return Answer(*store_, options_, report.range.timezone,
                [&](const ReportContext& context) { return RunFlow(context, report); });
}

Result<LifecycleResult> QueryEngine::Lifecycle(const LifecycleReport& report) const {
  return Answer(*store_, options_, report.range.timezone,
                [&](const ReportContext& context) { return RunLifecycle(context, report); });
}

Result<SessionsResult> QueryEngine::Sessions(const SessionsReport& report) const {
  return Answer(*store_, options_, report.range.timezone,
                [&](const ReportContext& context) { return RunSessions(context, report); });
}

Result<PeopleResult> QueryEngine::People(const PeopleReport& report) const {
  return Answer(*store_, options_, "",
                [&](const ReportContext& context) { return RunPeople(context, report); });
}

Result<SeriesTable> QueryEngine::Segmentation(const SegmentationRequest& request) const {
  return Answer(*store_, options_, request.range.timezone,
                [&](const ReportContext& context) { return RunSegmentation(context, request); });
}

Result<SeriesTable> QueryEngine::Events(const EventsRequest& request) const {
  return Answer(*store_, options_, request.range.timezone,
                [&](const ReportContext& context) { return RunEvents(context, request); });
}

Result<SeriesTable> QueryEngine::EventPropertySeries(const EventPropertyRequest& request) const {
  return Answer(*store_, options_, request.range.timezone, [&](const ReportContext& context) {
    return RunEventPropertySeries(context, request);
  });
}

Result<std::vector<std::string>> QueryEngine::EventNames(const NamesRequest& request) const {
  return Answer(*store_, options_, "",
                [&](const ReportContext& context) { return RunEventNames(context, request); });
}

Result<std::vector<TopEvent>> QueryEngine::TopEvents(const NamesRequest& request) const {
  return Answer(*store_, options_, "",
                [&](const ReportContext& context) { return RunTopEvents(context, request); });
}

Result<std::vector<PropertyCount>> QueryEngine::TopProperties(const NamesRequest& request) const {
  return Answer(*store_, options_, "",
                [&](const ReportContext& context) { return RunTopProperties(context, request); });
}

Result<std::vector<std::string>> QueryEngine::PropertyValues(const NamesRequest& request) const {
  return Answer(*store_, options_, "",
                [&](const ReportContext& context) { return RunPropertyValues(context, request); });
}

Result<CohortTable> QueryEngine::CohortRetention(const CohortRetentionRequest& request) const {
  return Answer(*store_, options_, request.report.range.timezone,
                [&](const ReportContext& context) { return RunCohortRetention(context, request); });
}

Result<AddictionResult> QueryEngine::Addiction(const AddictionRequest& request) const {
  return Answer(*store_, options_, request.range.timezone,
                [&](const ReportContext& context) { return RunAddiction(context, request); });
}

Result<std::vector<ActivityEvent>> QueryEngine::Activity(const ActivityRequest& request) const {
  return Answer(*store_, options_, request.range.timezone,
                [&](const ReportContext& context) { return RunActivity(context, request); });
}

Result<void> QueryEngine::ExportEvents(const ExportRequest& request, const ExportSink& sink) const {
  return Answer(*store_, options_, "UTC",
                [&](const ReportContext& context) { return RunExport(context, request, sink); });
}

}  // namespace bulkhead
