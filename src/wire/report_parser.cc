#include "wire/report_parser.h"

#include <simdjson.h>

#include <cmath>
#include <string>
#include <utility>

#include "base/limits.h"
#include "wire/expression_parser.h"
#include "wire/flow_report_parser.h"
#include "wire/report_reader.h"

namespace bulkhead {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::pair<std::string_view, TimeUnit> kUnits[] = {
    {"minute", TimeUnit::kMinute}, {"hour", TimeUnit::kHour},   {"day", TimeUnit::kDay},
    {"week", TimeUnit::kWeek},     {"month", TimeUnit::kMonth},
};

constexpr std::pair<std::string_view, TimeUnit> kCalendarUnits[] = {
    {"day", TimeUnit::kDay}, {"week", TimeUnit::kWeek}, {"month", TimeUnit::kMonth}};

bool ReadPercentile(const std::string& math, InsightsMetric* metric) {
  if (math == "median") {
    metric->math = Math::kPercentile;
    metric->percentile = 50;
    return true;
  }
  if (math.size() < 2 || math.size() > 3 || math[0] != 'p' || math[1] < '0' || math[1] > '9' ||
      (math.size() == 3 && (math[2] < '0' || math[2] > '9'))) {
    return false;
  }
  metric->math = Math::kPercentile;
  metric->percentile = std::stod(math.substr(1));
  return true;
}

void ReadMath(const object& of, const std::string& path, InsightsMetric* metric,
              ReportReader* reader) {
  constexpr std::pair<std::string_view, Math> kMaths[] = {{"total", Math::kTotal},
                                                          {"unique", Math::kUnique},
                                                          {"dau", Math::kDau},
                                                          {"wau", Math::kWau},
                                                          {"mau", Math::kMau},
                                                          {"sum", Math::kSum},
                                                          {"avg", Math::kAverage},
                                                          {"min", Math::kMin},
                                                          {"max", Math::kMax},
                                                          {"distinct", Math::kDistinct},
                                                          {"per_user_avg", Math::kPerUserAverage}};
  if (!ReadPercentile(reader->String(of, "math", path + ".math"), metric)) {
    metric->math = reader->Choice(of, "math", path + ".math", kMaths, Math::kTotal);
  }
  const bool needs_property = metric->math >= Math::kSum && metric->math <= Math::kDistinct;
  if (needs_property || reader->Member(of, "property")) {
    metric->property = ReadProperty(reader->String(of, "property", path + ".property"),
                                    path + ".property", reader);
  }
}

// What is made of the lines.
void ReadLines(const object& body, InsightsReport* report, ReportReader* reader) {
  if (ReportReader::Member(body, "rolling")) {
    report->rolling = static_cast<size_t>(reader->Integer(body, "rolling", "rolling", {2, 366}, 2));
  }
  report->cumulative = reader->Boolean(body, "cumulative", "cumulative");
  if (report->rolling > 0 && report->cumulative) {
    reader->Fail("cumulative", "a line is rolling or cumulative");
  }
  if (const std::optional<element> member = ReportReader::Member(body, "compare")) {
    object compare;
    if (member->get_object().get(compare) != simdjson::SUCCESS) {
      reader->Fail("compare", "an object expected");
      return;
    }
    InsightsComparison& by = report->compare.emplace();
    by.value = static_cast<int>(reader->Integer(compare, "value", "compare.value", {1, 1000}, 1));
    by.unit = reader->Choice(compare, "unit", "compare.unit", kCalendarUnits, TimeUnit::kWeek);
  }
  if (report->shared && (report->rolling > 0 || report->cumulative || report->compare)) {
    reader->Fail("shared", "plain lines alone are for readers outside");
  }
}

InsightsReport ReadInsights(const object& body, ReportReader* reader) {
  InsightsReport report;
  report.range = ReadRange(body, reader);
  report.unit = reader->Choice(body, "unit", "unit", kUnits, TimeUnit::kDay);
  report.interval = static_cast<int>(reader->Integer(body, "interval", "interval", {1, 366}, 1));
  report.global_where = reader->Where(body, "where", "where");
  report.segment_limit = ReadLimit(body, reader);
  report.shared = reader->Boolean(body, "shared", "shared");
  ReadLines(body, &report, reader);
  reader->ForEach(body, "metrics", 26, [&](const element& entry, const std::string& path) {
    InsightsMetric metric;
    metric.selector = ReadSelector(entry, path, reader);
    object of;
    if (!reader->ok() || entry.get_object().get(of) != simdjson::SUCCESS) {
      return;
    }
    ReadMath(of, path, &metric, reader);
    metric.label = reader->String(of, "label", path + ".label",
                                  std::string(1, static_cast<char>('A' + report.metrics.size())));
    report.metrics.push_back(std::move(metric));
  });
  reader->ForEach(body, "breakdown", 4, [&](const element& entry, const std::string& path) {
    report.breakdown.push_back(ReadBreakdown(entry, path, reader));
  });
  if (report.metrics.empty()) {
    reader->Fail("metrics", "at least one expected");
  }
  report.formula_text = reader->String(body, "formula", "formula");
  if (reader->ok() && !report.formula_text.empty()) {
    Result<Expression> formula = ParseFormula(report.formula_text, report.metrics.size());
    if (formula) {
      report.formula = std::make_shared<const Expression>(*std::move(formula));
    } else {
      reader->Fail("formula", formula.error().message);
    }
  }
  return report;
}

void ReadExclusions(const object& body, FunnelReport* report, ReportReader* reader) {
  const int64_t last = static_cast<int64_t>(report->steps.size());
  reader->ForEach(body, "exclude", 16, [&](const element& entry, const std::string& path) {
    FunnelExclusion exclusion;
    exclusion.selector = ReadNamedSelector(entry, path, reader);
    object of;
    if (!reader->ok() || entry.get_object().get(of) != simdjson::SUCCESS) {
      return;
    }
    // Steps are counted from 1, as people do.
    const int64_t after = reader->Integer(of, "after_step", path + ".after_step", {1, last - 1}, 1);
    exclusion.after_step = static_cast<size_t>(after - 1);
    exclusion.before_step = static_cast<size_t>(
        reader->Integer(of, "before_step", path + ".before_step", {after + 1, last}, last) - 1);
    report->exclude.push_back(std::move(exclusion));
  });
}

void ReadFunnelBreakdown(const object& body, FunnelReport* report, ReportReader* reader) {
  reader->ForEach(body, "breakdown", 4, [&](const element& entry, const std::string& path) {
    FunnelBreakdown breakdown;
    breakdown.property = ReadBreakdown(entry, path, reader);
    object of;
    if (entry.get_object().get(of) == simdjson::SUCCESS) {
      const std::string text = reader->String(of, "attribution", path + ".attribution", "first");
      if (text.starts_with("step:") && text.size() <= 7) {
        breakdown.attribution = FunnelBreakdown::Attribution::kStep;
        size_t step = 0;
        for (const char c : text.substr(5)) {
          step = c >= '0' && c <= '9' ? step * 10 + static_cast<size_t>(c - '0') : 1000;
        }
        if (step < 1 || step > report->steps.size()) {
          reader->Fail(path + ".attribution", "there is no such step");
        }
        breakdown.step = step - 1;
      } else if (text == "last") {
        breakdown.attribution = FunnelBreakdown::Attribution::kLast;
      } else if (text != "first") {
        reader->Fail(path + ".attribution", "first, last or step:N expected");
      }
    }
    report->breakdown.push_back(std::move(breakdown));
  });
}

FunnelReport ReadFunnelDefinition(const object& body, ReportReader* reader) {
  FunnelReport report;
  reader->ForEach(body, "steps", limits::kMaxFunnelSteps,
                  [&](const element& entry, const std::string& path) {
                    report.steps.push_back(ReadNamedSelector(entry, path, reader));
                  });
  if (report.steps.empty()) {
    reader->Fail("steps", "at least one expected");
    return report;
  }
  if (const std::optional<ReportWindow> window = ReadWindow(body, reader)) {
    report.window_sessions = window->sessions;
    if (window->sessions == 0) report.window_ms = window->ms;
  }
  constexpr std::pair<std::string_view, FunnelOrder> kOrders[] = {
      {"loose", FunnelOrder::kLoose}, {"strict", FunnelOrder::kStrict}, {"any", FunnelOrder::kAny}};
  constexpr std::pair<std::string_view, FunnelCount> kCounts[] = {
      {"uniques", FunnelCount::kUniques},
      {"totals", FunnelCount::kTotals},
      {"sessions", FunnelCount::kSessions}};
  report.order = reader->Choice(body, "order", "order", kOrders, FunnelOrder::kLoose);
  report.count = reader->Choice(body, "count", "count", kCounts, FunnelCount::kUniques);
  report.session_timeout_ms = ReadSessionTimeout(body, reader);
  report.hold = ReadHeld(body, reader);
  ReadExclusions(body, &report, reader);
  ReadFunnelBreakdown(body, &report, reader);
  if (report.steps.size() + report.exclude.size() > limits::kMaxFunnelSteps) {
    reader->Fail("exclude", "too many steps and exclusions together");
  }
  report.global_where = reader->Where(body, "where", "where");
  return report;
}

FunnelReport ReadFunnel(const object& body, ReportReader* reader) {
  FunnelReport report = ReadFunnelDefinition(body, reader);
  report.range = ReadRange(body, reader);
  report.segment_limit = ReadLimit(body, reader);
  if (ReportReader::Member(body, "unit")) {
    report.unit = reader->Choice(body, "unit", "unit", kUnits, TimeUnit::kDay);
  }
  report.interval = static_cast<int>(reader->Integer(body, "interval", "interval", {1, 366}, 1));
  report.shared = reader->Boolean(body, "shared", "shared");
  return report;
}

// "brackets":[1,3,4] draws the 0th day, days 1 to 3 and days 4 to 7 together.
void ReadBrackets(const object& body, RetentionReport* report, ReportReader* reader) {
  constexpr int64_t kMost = 367;
  int64_t together = 0;
  reader->ForEach(body, "brackets", kMost, [&](const element& entry, const std::string& path) {
    int64_t length = 0;
    if (entry.get_int64().get(length) != simdjson::SUCCESS || length < 1 || length > kMost) {
      reader->Fail(path, "a whole number from 1 to 367 expected");
      return;
    }
    together += length;
    report->brackets.push_back(static_cast<int>(length));
  });
  if (report->brackets.empty()) {
    return;
  }
  if (together > kMost) {
    reader->Fail("brackets", "at most 367 units together");
  }
  if (ReportReader::Member(body, "buckets")) {
    reader->Fail("buckets", "follows from brackets");
  }
  report->buckets = static_cast<int>(together) - 1;
}

RetentionReport ReadRetention(const object& body, ReportReader* reader) {
  RetentionReport report;
  report.range = ReadRange(body, reader);
  if (const std::optional<element> born = ReportReader::Member(body, "born")) {
    report.born = ReadSelector(*born, "born", reader);
  } else {
    reader->Fail("born", "an object expected");
  }
  if (const std::optional<element> returning = ReportReader::Member(body, "return")) {
    report.returning = ReadSelector(*returning, "return", reader);
  }
  report.unit = reader->Choice(body, "unit", "unit", kCalendarUnits, TimeUnit::kDay);
  report.interval = static_cast<int>(reader->Integer(body, "interval", "interval", {1, 366}, 1));
  report.buckets = static_cast<int>(reader->Integer(body, "buckets", "buckets", {1, 366}, 7));
  constexpr std::pair<std::string_view, RetentionMode> kModes[] = {
      {"on", RetentionMode::kOn},
      {"on_or_after", RetentionMode::kOnOrAfter},
      {"on_or_before", RetentionMode::kOnOrBefore},
      {"streak", RetentionMode::kStreak}};
  constexpr std::pair<std::string_view, RetentionBirth> kBirths[] = {
      {"first", RetentionBirth::kFirst}, {"recurring", RetentionBirth::kRecurring}};
  report.mode = reader->Choice(body, "mode", "mode", kModes, RetentionMode::kOn);
  report.birth = reader->Choice(body, "birth", "birth", kBirths, RetentionBirth::kFirst);
  ReadBrackets(body, &report, reader);
  report.calendar = reader->Boolean(body, "calendar", "calendar");
  reader->ForEach(body, "breakdown", 1, [&](const element& entry, const std::string& path) {
    report.breakdown = ReadBreakdown(entry, path, reader);
  });
  report.global_where = reader->Where(body, "where", "where");
  report.segment_limit = ReadLimit(body, reader);
  report.shared = reader->Boolean(body, "shared", "shared");
  if (report.shared && (report.mode > RetentionMode::kOnOrAfter || !report.brackets.empty())) {
    reader->Fail("shared",
                 "the modes on and on_or_after, without brackets, are for readers outside");
  }
  return report;
}

PeopleReport ReadPeople(const object& body, ReportReader* reader) {
  PeopleReport report;
  if (reader->Boolean(body, "shared", "shared")) {
    reader->Fail("shared", "a list of people is not for readers outside");
  }
  report.where = reader->Where(body, "where", "where", ConditionOver::kProfiles);
  if (ReportReader::Member(body, "subjects")) {
    report.subjects.emplace();  // a list of nobody selects nobody
  }
  reader->ForEach(body, "subjects", 2000, [&](const element& entry, const std::string& path) {
    std::string_view hex;
    std::optional<SubjectId> subject;
    if (entry.get_string().get(hex) == simdjson::SUCCESS) {
      subject = SubjectId::FromHex(hex);
    }
    if (!subject) {
      reader->Fail(path, "32 hexadecimal digits expected");
      return;
    }
    report.subjects->push_back(*subject);
  });
  reader->ForEach(body, "output_properties", 255,
                  [&](const element& entry, const std::string& path) {
                    std::string_view name;
                    if (entry.get_string().get(name) != simdjson::SUCCESS) {
                      reader->Fail(path, "a property name expected");
                    }
                    report.output_properties.emplace_back(name);
                  });
  report.sort = reader->String(body, "sort", "sort");
  report.descending = reader->Boolean(body, "descending", "descending");
  report.page = static_cast<size_t>(reader->Integer(body, "page", "page", {0, 1 << 24}, 0));
  report.page_size =
      static_cast<size_t>(reader->Integer(body, "page_size", "page_size", {1, 10'000}, 1000));
  return report;
}

LifecycleReport ReadLifecycle(const object& body, ReportReader* reader) {
  LifecycleReport report;
  report.range = ReadRange(body, reader);
  if (reader->Boolean(body, "shared", "shared")) {
    reader->Fail("shared", "this report is not for readers outside");
  }
  report.selector.event = reader->String(body, "event", "event");
  report.selector.where = reader->Where(body, "where", "where");
  report.unit = reader->Choice(body, "unit", "unit", kCalendarUnits, TimeUnit::kWeek);
  return report;
}

SessionsReport ReadSessions(const object& body, ReportReader* reader) {
  SessionsReport report;
  report.range = ReadRange(body, reader);
  if (reader->Boolean(body, "shared", "shared")) {
    reader->Fail("shared", "this report is not for readers outside");
  }
  report.unit = reader->Choice(body, "unit", "unit", kUnits, TimeUnit::kDay);
  report.interval = static_cast<int>(reader->Integer(body, "interval", "interval", {1, 366}, 1));
  report.timeout_ms = ReadSessionTimeout(body, reader);
  reader->ForEach(body, "exclude", kMaxSessionExclusions,
                  [&](const element& entry, const std::string& path) {
                    report.exclude.push_back(ReadNamedSelector(entry, path, reader));
                  });
  report.where = reader->Where(body, "where", "where");
  reader->ForEach(body, "breakdown", 4, [&](const element& entry, const std::string& path) {
    report.breakdown.push_back(ReadBreakdown(entry, path, reader));
  });
  report.segment_limit = ReadLimit(body, reader);
  return report;
}

Report ReadReport(const object& body, ReportReader* reader) {
  const std::string kind = reader->String(body, "report", "report");
  if (kind == "insights") {
    return ReadInsights(body, reader);
  }
  if (kind == "funnel") {
    return ReadFunnel(body, reader);
  }
  if (kind == "retention") {
    return ReadRetention(body, reader);
  }
  if (kind == "people") {
    return ReadPeople(body, reader);
  }
  if (kind == "flow") {
    return ReadFlow(body, reader);
  }
  if (kind == "lifecycle") {
    return ReadLifecycle(body, reader);
  }
  if (kind == "sessions") {
    return ReadSessions(body, reader);
  }
  reader->Fail("report",
               "one of insights, funnel, retention, flow, sessions, lifecycle, people expected");
  return {};
}

// The body must be one object within the size that any request may have.
Result<object> ParseObject(simdjson::dom::parser* parser, std::string_view json) {
  object body;
  if (json.size() > 1024UL * 1024 ||
      parser->parse(json.data(), json.size()).get_object().get(body) != simdjson::SUCCESS) {
    return Error{ErrorCode::kInvalid, "body: a JSON object expected"};
  }
  return body;
}

}  // namespace

Result<Report> ParseReport(std::string_view json, ProjectId default_project) {
  simdjson::dom::parser parser;
  const Result<object> body = ParseObject(&parser, json);
  if (!body) {
    return body.error();
  }
  ReportReader reader;
  Report report = ReadReport(*body, &reader);
  const int64_t project = reader.Integer(*body, "project_id", "project_id", {1, 0xFFFFFFFFLL},
                                         int64_t{default_project.value});
  if (project == 0) {
    reader.Fail("project_id", "a project's number expected");
  }
  if (!reader.ok()) {
    return Error{ErrorCode::kInvalid, reader.error()};
  }
  std::visit([&](auto& any) { any.project = ProjectId{static_cast<uint32_t>(project)}; }, report);
  return report;
}

Result<FunnelReport> ParseFunnelDefinition(std::string_view json) {
  simdjson::dom::parser parser;
  const Result<object> body = ParseObject(&parser, json);
  if (!body) {
    return body.error();
  }
  ReportReader reader;
  FunnelReport report = ReadFunnelDefinition(*body, &reader);
  if (!reader.ok()) {
    return Error{ErrorCode::kInvalid, reader.error()};
  }
  return report;
}

}  // namespace bulkhead
