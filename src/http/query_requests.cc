#include "http/query_requests.h"

#include <array>
#include <utility>

#include "base/limits.h"
#include "query/on_property.h"
#include "query/report_context.h"

namespace bulkhead {
namespace {

constexpr int64_t kMaxPoints = 100'000;  // dates in one series
constexpr auto kMostSegments = static_cast<int64_t>(limits::kMaxSegmentsInReport);

template <typename T>
Result<T> Finish(const ParameterReader& reader, T request) {
  if (reader.error()) {
    return *reader.error();
  }
  return request;
}

int64_t UnitsPerDay(TimeUnit unit) {
  return unit == TimeUnit::kMinute ? 1440 : unit == TimeUnit::kHour ? 24 : 1;
}

void CheckPoints(const DateRange& range, TimeUnit unit, ParameterReader* reader) {
  const std::optional<int64_t> from = DayNumber(range.from);
  const std::optional<int64_t> to = DayNumber(range.to);
  if (from && to && (*to - *from + 1) * UnitsPerDay(unit) > kMaxPoints) {
    reader->Fail("unit", "gives too many intervals for these dates");
  }
}

CountType ReadType(ParameterReader* reader) {
  constexpr std::array kTypes = {CountType::kGeneral, CountType::kUnique, CountType::kAverage};
  return kTypes.at(reader->Choice("type", {"general", "unique", "average"}, 0));
}

void RefuseOtherFormats(ParameterReader* reader) { (void)reader->Choice("format", {"json"}, 0); }

// Either from_date and to_date, or `interval` units back from now.
void ReadSpan(ParameterReader* reader, TimeUnit unit, int* interval, DateRange* range) {
  if (reader->Has("from_date") || reader->Has("to_date") || !reader->Has("interval")) {
    *range = reader->Range();
    CheckPoints(*range, unit, reader);
    return;
  }
  *interval = static_cast<int>(reader->RequiredInteger("interval", 1, 10'000));
}

constexpr std::initializer_list<TimeUnit> kSeriesUnits = {
    TimeUnit::kMinute, TimeUnit::kHour, TimeUnit::kDay, TimeUnit::kWeek, TimeUnit::kMonth};

}  // namespace

Result<SegmentationRequest> ReadSegmentation(const QueryParameters& parameters,
                                             SegmentationRequest::Kind kind) {
  using Kind = SegmentationRequest::Kind;
  ParameterReader reader(parameters);
  SegmentationRequest request;
  request.kind = kind;
  request.event = reader.RequiredText("event");
  request.range = reader.Range();
  request.on = reader.On("on");
  if (kind != Kind::kSeries && !reader.Has("on")) {
    reader.Fail("on", "is required");
  }
  request.where = reader.Where("where");
  request.type = ReadType(&reader);
  request.unit = kind == Kind::kSeries
                     ? reader.Unit("unit", TimeUnit::kDay, kSeriesUnits)
                     : reader.Unit("unit", TimeUnit::kDay, {TimeUnit::kHour, TimeUnit::kDay});
  request.interval = static_cast<int>(reader.Integer("interval", 1, 1, 10'000));
  request.limit = static_cast<size_t>(reader.Integer("limit", 60, 1, kMostSegments));
  CheckPoints(request.range, request.unit, &reader);
  RefuseOtherFormats(&reader);
  return Finish(reader, std::move(request));
}

Result<EventsRequest> ReadEvents(const QueryParameters& parameters) {
  ParameterReader reader(parameters);
  EventsRequest request;
  request.events = reader.RequiredTexts("event");
  request.type = ReadType(&reader);
  request.unit = reader.Unit("unit", TimeUnit::kDay, kSeriesUnits);
  ReadSpan(&reader, request.unit, &request.interval, &request.range);
  RefuseOtherFormats(&reader);
  return Finish(reader, std::move(request));
}

Result<EventPropertyRequest> ReadEventProperties(const QueryParameters& parameters) {
  ParameterReader reader(parameters);
  EventPropertyRequest request;
  request.event = reader.RequiredText("event");
  request.property = reader.RequiredText("name");
  request.values = reader.Texts("values");
  request.type = ReadType(&reader);
  request.unit = reader.Unit("unit", TimeUnit::kDay, kSeriesUnits);
  ReadSpan(&reader, request.unit, &request.interval, &request.range);
  request.limit = static_cast<size_t>(reader.Integer("limit", 255, 1, kMostSegments));
  RefuseOtherFormats(&reader);
  return Finish(reader, std::move(request));
}

Result<NamesRequest> ReadNames(const QueryParameters& parameters, NamesOf what) {
  ParameterReader reader(parameters);
  NamesRequest request;
  const bool of_event = what == NamesOf::kTopProperties || what == NamesOf::kPropertyValues;
  if (of_event) {
    request.event = reader.RequiredText("event");
  }
  if (what == NamesOf::kPropertyValues) {
    request.property = reader.RequiredText("name");
  }
  request.type = ReadType(&reader);
  const int64_t usual = what == NamesOf::kTopEvents       ? 100
                        : what == NamesOf::kTopProperties ? 10
                                                          : 255;
  request.limit = static_cast<size_t>(reader.Integer("limit", usual, 1, kMostSegments));
  return Finish(reader, std::move(request));
}

Result<CohortRetentionRequest> ReadRetention(const QueryParameters& parameters) {
  ParameterReader reader(parameters);
  CohortRetentionRequest request;
  RetentionReport& report = request.report;
  report.range = reader.Range();
  const bool compounded = reader.Choice("retention_type", {"birth", "compounded"}, 0) == 1;
  report.birth = compounded ? RetentionBirth::kRecurring : RetentionBirth::kFirst;
  report.returning.event = reader.Text("event");
  report.returning.where = reader.Where("where");
  if (compounded) {
    report.born = report.returning;
  } else {
    report.born.event = reader.RequiredText("born_event");
    report.born.where = reader.Where("born_where");
  }
  if (reader.Has("unit") && reader.Has("interval")) {
    reader.Fail("interval", "cannot be given together with unit");
  }
  report.unit =
      reader.Unit("unit", TimeUnit::kDay, {TimeUnit::kDay, TimeUnit::kWeek, TimeUnit::kMonth});
  report.interval = static_cast<int>(reader.Integer("interval", 1, 1, 366));
  report.buckets = static_cast<int>(reader.Integer("interval_count", 1, 1, 366));
  report.mode =
      reader.Flag("unbounded_retention", false) ? RetentionMode::kOnOrAfter : RetentionMode::kOn;
  request.on = reader.On("on");
  request.limit = static_cast<size_t>(reader.Integer("limit", 255, 1, kMostSegments));
  return Finish(reader, std::move(request));
}

Result<AddictionRequest> ReadAddiction(const QueryParameters& parameters) {
  ParameterReader reader(parameters);
  AddictionRequest request;
  request.range = reader.Range();
  request.unit =
      reader.Unit("unit", TimeUnit::kDay, {TimeUnit::kDay, TimeUnit::kWeek, TimeUnit::kMonth});
  request.sub_unit =
      reader.Unit("addiction_unit", TimeUnit::kHour, {TimeUnit::kHour, TimeUnit::kDay});
  if (request.unit == TimeUnit::kDay && request.sub_unit == TimeUnit::kDay) {
    reader.Fail("addiction_unit", "must be shorter than unit");
  }
  request.selector.event = reader.Text("event");
  request.selector.where = reader.Where("where");
  request.on = reader.On("on");
  request.limit = static_cast<size_t>(reader.Integer("limit", 255, 1, kMostSegments));
  return Finish(reader, std::move(request));
}

Result<ExportRequest> ReadExport(const QueryParameters& parameters) {
  ParameterReader reader(parameters);
  ExportRequest request;
  DateRange range = reader.Range();
  request.from = std::move(range.from);
  request.to = std::move(range.to);
  request.events = reader.Texts("event");
  request.where = reader.Where("where");
  request.limit = static_cast<size_t>(
      reader.Integer("limit", 0, 1, static_cast<int64_t>(limits::kMaxExportRows)));
  request.time_in_ms = reader.Flag("time_in_ms", false);
  return Finish(reader, std::move(request));
}

Result<FunnelParameters> ReadFunnelParameters(const QueryParameters& parameters) {
  ParameterReader reader(parameters);
  FunnelParameters request;
  request.funnel_id = static_cast<uint64_t>(reader.RequiredInteger("funnel_id", 1, INT64_MAX));
  request.segmented = reader.Has("on");
  return Finish(reader, request);
}

Result<void> ReadFunnelInto(const QueryParameters& parameters, FunnelReport* report) {
  constexpr std::array<int64_t, 7> kUnitMs = {0, 1000, 60'000, 3'600'000, 86'400'000};
  ParameterReader reader(parameters);
  report->range = reader.Range();
  const TimeUnit length_unit =
      reader.Unit("length_unit", TimeUnit::kDay,
                  {TimeUnit::kDay, TimeUnit::kHour, TimeUnit::kMinute, TimeUnit::kSecond});
  if (reader.Has("length")) {
    const int64_t unit_ms = kUnitMs.at(static_cast<size_t>(length_unit));
    const int64_t most = 90 * kUnitMs.at(static_cast<size_t>(TimeUnit::kDay)) / unit_ms;
    report->window_ms = reader.RequiredInteger("length", 1, most) * unit_ms;
    report->window_sessions = 0;
  }
  if (reader.Has("unit") && reader.Has("interval")) {
    reader.Fail("interval", "cannot be given together with unit");
  }
  report->unit =
      reader.Unit("unit", TimeUnit::kDay, {TimeUnit::kDay, TimeUnit::kWeek, TimeUnit::kMonth});
  report->interval = static_cast<int>(reader.Integer("interval", 1, 1, 10'000));
  // The saved funnel's own condition stays: who asks narrows it down further.
  report->global_where = Both(report->global_where, reader.Where("where"));
  report->segment_limit = static_cast<size_t>(reader.Integer("limit", 255, 1, kMostSegments));
  if (const SharedExpression on = reader.On("on")) {
    if (on->op != ExpressionOp::kUserProperty && on->op != ExpressionOp::kEventProperty) {
      reader.Fail("on", "must be one property");
    }
    if (Result<PropertyRef> text = OnText(*on, ListText::kWhole)) {
      report->breakdown = {FunnelBreakdown{*std::move(text)}};
    }
  }
  if (reader.error()) {
    return *reader.error();
  }
  return {};
}

Result<EngageParameters> ReadEngage(const QueryParameters& parameters) {
  ParameterReader reader(parameters);
  reader.Unsupported({"behaviors", "filter_by_cohort", "raw_cohort", "data_group_id"});
  EngageParameters request;
  request.names_persons = reader.Has("distinct_ids") || reader.Has("distinct_id");
  request.distinct_ids = reader.Texts("distinct_ids");
  if (reader.Has("distinct_id")) {
    request.distinct_ids.push_back(reader.Text("distinct_id"));
  }
  // Mixpanel's own script for profiles sends the condition as `selector`.
  if (reader.Has("where") && reader.Has("selector") &&
      reader.Text("where") != reader.Text("selector")) {
    reader.Fail("selector", "cannot be given together with another where");
  }
  request.where =
      reader.Where(reader.Has("selector") ? "selector" : "where", ConditionOver::kProfiles);
  request.output_properties = reader.Texts("output_properties");
  request.session_id = reader.Text("session_id");
  request.page = static_cast<size_t>(reader.Integer("page", 0, 0, 100'000'000));
  request.include_all_users = reader.Flag("include_all_users", false);
  if (request.page > 0 && request.session_id.empty()) {
    reader.Fail("session_id", "is required for pages after the first");
  }
  return Finish(reader, std::move(request));
}

Result<ActivityParameters> ReadActivity(const QueryParameters& parameters) {
  ParameterReader reader(parameters);
  ActivityParameters request;
  request.distinct_ids = reader.RequiredTexts("distinct_ids");
  request.range = reader.Range();
  request.limit = static_cast<size_t>(
      reader.Integer("limit", 0, 1, static_cast<int64_t>(limits::kMaxExportRows)));
  return Finish(reader, std::move(request));
}

}  // namespace bulkhead
