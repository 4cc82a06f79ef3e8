#include "wire/report_parser.h"

#include <simdjson.h>

#include <cmath>
#include <string>
#include <utility>

#include "base/limits.h"
#include "wire/expression_parser.h"

namespace bulkhead {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

// Reads typed members and remembers the first thing that is wrong, by its path. Every reader
// returns its default then.
class Reader {
 public:
  [[nodiscard]] bool ok() const { return error_.empty(); }
  [[nodiscard]] const std::string& error() const { return error_; }

  void Fail(const std::string& path, std::string_view what) {
    if (error_.empty()) {
      error_ = path + ": " + std::string(what);
    }
  }

  // The member, unless it is absent or null.
  static std::optional<element> Member(const object& of, std::string_view name) {
    element member;
    if (of.at_key(name).get(member) != simdjson::SUCCESS || member.is_null()) {
      return std::nullopt;
    }
    return member;
  }

  std::string String(const object& of, std::string_view name, const std::string& path,
                     std::string fallback = "") {
    const std::optional<element> member = Member(of, name);
    if (!member) {
      return fallback;
    }
    std::string_view text;
    if (member->get_string().get(text) != simdjson::SUCCESS) {
      Fail(path, "a string expected");
    }
    return std::string(text);
  }

  int64_t Integer(const object& of, std::string_view name, const std::string& path,
                  std::pair<int64_t, int64_t> bounds, int64_t fallback) {
    const std::optional<element> member = Member(of, name);
    if (!member) {
      return fallback;
    }
    int64_t number = 0;
    if (member->get_int64().get(number) != simdjson::SUCCESS || number < bounds.first ||
        number > bounds.second) {
      Fail(path, "a whole number from " + std::to_string(bounds.first) + " to " +
                     std::to_string(bounds.second) + " expected");
      return fallback;
    }
    return number;
  }

  bool Boolean(const object& of, std::string_view name, const std::string& path) {
    const std::optional<element> member = Member(of, name);
    bool value = false;
    if (member && member->get_bool().get(value) != simdjson::SUCCESS) {
      Fail(path, "true or false expected");
    }
    return value;
  }

  // Calls each(element, path[i]) for the members of an optional list.
  template <typename Each>
  void ForEach(const object& of, std::string_view name, size_t limit, const Each& each) {
    const std::optional<element> member = Member(of, name);
    if (!member) {
      return;
    }
    array list;
    if (member->get_array().get(list) != simdjson::SUCCESS) {
      Fail(std::string(name), "a list expected");
      return;
    }
    if (list.size() > limit) {
      Fail(std::string(name), "at most " + std::to_string(limit) + " entries");
      return;
    }
    size_t index = 0;
    for (const element entry : list) {
      each(entry, std::string(name) + "[" + std::to_string(index++) + "]");
    }
  }

  SharedExpression Where(const object& of, std::string_view name, const std::string& path,
                         ConditionOver over = ConditionOver::kEvents) {
    const std::string text = String(of, name, path);
    if (text.empty()) {
      return nullptr;
    }
    Result<Expression> parsed = ParseCondition(text, over);
    if (!parsed) {
      Fail(path, parsed.error().message);
      return nullptr;
    }
    return std::make_shared<const Expression>(*std::move(parsed));
  }

  template <typename T, size_t N>
  T Choice(const object& of, std::string_view name, const std::string& path,
           const std::pair<std::string_view, T> (&choices)[N], T fallback) {
    const std::string text = String(of, name, path);
    if (text.empty()) {
      return fallback;
    }
    std::string names;
    for (const auto& [word, value] : choices) {
      if (word == text) {
        return value;
      }
      names += (names.empty() ? "" : ", ") + std::string(word);
    }
    Fail(path, "one of " + names + " expected");
    return fallback;
  }

 private:
  std::string error_;
};

constexpr std::pair<std::string_view, TimeUnit> kUnits[] = {
    {"minute", TimeUnit::kMinute}, {"hour", TimeUnit::kHour},   {"day", TimeUnit::kDay},
    {"week", TimeUnit::kWeek},     {"month", TimeUnit::kMonth},
};

bool IsDate(std::string_view text) {
  return text.size() == 10 && ParseDateTimeMs(text).has_value();
}

DateRange ReadRange(const object& body, Reader* reader) {
  DateRange range;
  range.from = reader->String(body, "from", "from");
  range.to = reader->String(body, "to", "to");
  range.timezone = reader->String(body, "timezone", "timezone");
  if (!IsDate(range.from)) {
    reader->Fail("from", "a date YYYY-MM-DD expected");
  } else if (!IsDate(range.to)) {
    reader->Fail("to", "a date YYYY-MM-DD expected");
  } else if (range.to < range.from) {
    reader->Fail("to", "earlier than from");
  }
  return range;
}

EventSelector ReadSelector(const element& entry, const std::string& path, Reader* reader) {
  EventSelector selector;
  object of;
  if (entry.get_object().get(of) != simdjson::SUCCESS) {
    reader->Fail(path, "an object expected");
    return selector;
  }
  selector.event = reader->String(of, "event", path + ".event");
  selector.where = reader->Where(of, "where", path + ".where");
  return selector;
}

EventSelector ReadNamedSelector(const element& entry, const std::string& path, Reader* reader) {
  EventSelector selector = ReadSelector(entry, path, reader);
  if (reader->ok() && selector.event.empty()) {
    reader->Fail(path + ".event", "an event name expected");
  }
  return selector;
}

// "plan", "user.plan" is not a thing: user properties are {"property":"plan","of":"user"} or
// user["plan"].
PropertyRef ReadProperty(const std::string& text, const std::string& path, Reader* reader) {
  PropertyRef property;
  property.name = text;
  if (text.starts_with("user[") || text.starts_with("properties[")) {
    const Result<Expression> parsed = ParseExpression(text);
    if (!parsed || parsed->name.empty()) {
      reader->Fail(path, "a property name or user[\"name\"] expected");
      return property;
    }
    property.name = parsed->name;
    property.of_user = parsed->op == ExpressionOp::kUserProperty;
  }
  if (property.name.empty()) {
    reader->Fail(path, "a property name expected");
  }
  return property;
}

// A breakdown entry: a name, or {"property":name,"of":"event|user"}.
PropertyRef ReadBreakdown(const element& entry, const std::string& path, Reader* reader) {
  std::string_view name;
  if (entry.get_string().get(name) == simdjson::SUCCESS) {
    return ReadProperty(std::string(name), path, reader);
  }
  object of;
  if (entry.get_object().get(of) != simdjson::SUCCESS) {
    reader->Fail(path, "a property name or an object expected");
    return {};
  }
  PropertyRef property =
      ReadProperty(reader->String(of, "property", path + ".property"), path + ".property", reader);
  constexpr std::pair<std::string_view, bool> kOf[] = {{"event", false}, {"user", true}};
  property.of_user = reader->Choice(of, "of", path + ".of", kOf, property.of_user);
  return property;
}

size_t ReadLimit(const object& body, Reader* reader) {
  return static_cast<size_t>(reader->Integer(
      body, "limit", "limit", {1, static_cast<int64_t>(limits::kMaxSegmentsInReport)}, 200));
}

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

void ReadMath(const object& of, const std::string& path, InsightsMetric* metric, Reader* reader) {
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

InsightsReport ReadInsights(const object& body, Reader* reader) {
  InsightsReport report;
  report.range = ReadRange(body, reader);
  report.unit = reader->Choice(body, "unit", "unit", kUnits, TimeUnit::kDay);
  report.interval = static_cast<int>(reader->Integer(body, "interval", "interval", {1, 366}, 1));
  report.global_where = reader->Where(body, "where", "where");
  report.segment_limit = ReadLimit(body, reader);
  report.shared = reader->Boolean(body, "shared", "shared");
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

void ReadWindow(const object& body, FunnelReport* report, Reader* reader) {
  const std::optional<element> member = Reader::Member(body, "window");
  object window;
  if (!member) {
    return;
  }
  if (member->get_object().get(window) != simdjson::SUCCESS) {
    reader->Fail("window", "an object expected");
    return;
  }
  const int64_t value = reader->Integer(window, "value", "window.value", {1, 366LL * 86400}, 7);
  constexpr std::pair<std::string_view, int64_t> kWindowUnits[] = {
      {"second", 1000},    {"minute", 60'000},         {"hour", 3'600'000},
      {"day", 86'400'000}, {"week", 7 * 86'400'000LL}, {"month", 30 * 86'400'000LL},
      {"session", 0}};
  const int64_t unit_ms =
      reader->Choice(window, "unit", "window.unit", kWindowUnits, int64_t{86'400'000});
  if (unit_ms == 0) {
    if (value > 12) {
      reader->Fail("window.value", "at most 12 sessions");
    }
    report->window_sessions = static_cast<int>(value);
    return;
  }
  report->window_ms = value * unit_ms;
  if (report->window_ms > 366LL * 86'400'000) {
    reader->Fail("window", "at most 366 days");
  }
}

void ReadExclusions(const object& body, FunnelReport* report, Reader* reader) {
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

void ReadFunnelBreakdown(const object& body, FunnelReport* report, Reader* reader) {
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

FunnelReport ReadFunnelDefinition(const object& body, Reader* reader) {
  FunnelReport report;
  reader->ForEach(body, "steps", limits::kMaxFunnelSteps,
                  [&](const element& entry, const std::string& path) {
                    report.steps.push_back(ReadNamedSelector(entry, path, reader));
                  });
  if (report.steps.empty()) {
    reader->Fail("steps", "at least one expected");
    return report;
  }
  ReadWindow(body, &report, reader);
  constexpr std::pair<std::string_view, FunnelOrder> kOrders[] = {
      {"loose", FunnelOrder::kLoose}, {"strict", FunnelOrder::kStrict}, {"any", FunnelOrder::kAny}};
  constexpr std::pair<std::string_view, FunnelCount> kCounts[] = {
      {"uniques", FunnelCount::kUniques},
      {"totals", FunnelCount::kTotals},
      {"sessions", FunnelCount::kSessions}};
  report.order = reader->Choice(body, "order", "order", kOrders, FunnelOrder::kLoose);
  report.count = reader->Choice(body, "count", "count", kCounts, FunnelCount::kUniques);
  report.session_timeout_ms =
      1000 * reader->Integer(body, "session_timeout_s", "session_timeout_s", {60, 86'400}, 1800);
  reader->ForEach(body, "hold", 3, [&](const element& entry, const std::string& path) {
    std::string_view name;
    if (entry.get_string().get(name) != simdjson::SUCCESS || name.empty()) {
      reader->Fail(path, "a property name expected");
    }
    report.hold.emplace_back(name);
  });
  ReadExclusions(body, &report, reader);
  ReadFunnelBreakdown(body, &report, reader);
  if (report.steps.size() + report.exclude.size() > limits::kMaxFunnelSteps) {
    reader->Fail("exclude", "too many steps and exclusions together");
  }
  report.global_where = reader->Where(body, "where", "where");
  return report;
}

FunnelReport ReadFunnel(const object& body, Reader* reader) {
  FunnelReport report = ReadFunnelDefinition(body, reader);
  report.range = ReadRange(body, reader);
  report.segment_limit = ReadLimit(body, reader);
  if (Reader::Member(body, "unit")) {
    report.unit = reader->Choice(body, "unit", "unit", kUnits, TimeUnit::kDay);
  }
  report.interval = static_cast<int>(reader->Integer(body, "interval", "interval", {1, 366}, 1));
  report.shared = reader->Boolean(body, "shared", "shared");
  return report;
}

RetentionReport ReadRetention(const object& body, Reader* reader) {
  RetentionReport report;
  report.range = ReadRange(body, reader);
  if (const std::optional<element> born = Reader::Member(body, "born")) {
    report.born = ReadSelector(*born, "born", reader);
  } else {
    reader->Fail("born", "an object expected");
  }
  if (const std::optional<element> returning = Reader::Member(body, "return")) {
    report.returning = ReadSelector(*returning, "return", reader);
  }
  constexpr std::pair<std::string_view, TimeUnit> kRetentionUnits[] = {
      {"day", TimeUnit::kDay}, {"week", TimeUnit::kWeek}, {"month", TimeUnit::kMonth}};
  report.unit = reader->Choice(body, "unit", "unit", kRetentionUnits, TimeUnit::kDay);
  report.interval = static_cast<int>(reader->Integer(body, "interval", "interval", {1, 366}, 1));
  report.buckets = static_cast<int>(reader->Integer(body, "buckets", "buckets", {1, 366}, 7));
  constexpr std::pair<std::string_view, RetentionMode> kModes[] = {
      {"on", RetentionMode::kOn}, {"on_or_after", RetentionMode::kOnOrAfter}};
  constexpr std::pair<std::string_view, RetentionBirth> kBirths[] = {
      {"first", RetentionBirth::kFirst}, {"recurring", RetentionBirth::kRecurring}};
  report.mode = reader->Choice(body, "mode", "mode", kModes, RetentionMode::kOn);
  report.birth = reader->Choice(body, "birth", "birth", kBirths, RetentionBirth::kFirst);
  report.calendar = reader->Boolean(body, "calendar", "calendar");
  reader->ForEach(body, "breakdown", 1, [&](const element& entry, const std::string& path) {
    report.breakdown = ReadBreakdown(entry, path, reader);
  });
  report.global_where = reader->Where(body, "where", "where");
  report.segment_limit = ReadLimit(body, reader);
  report.shared = reader->Boolean(body, "shared", "shared");
  return report;
}

PeopleReport ReadPeople(const object& body, Reader* reader) {
  PeopleReport report;
  if (reader->Boolean(body, "shared", "shared")) {
    reader->Fail("shared", "a list of people is not for readers outside");
  }
  report.where = reader->Where(body, "where", "where", ConditionOver::kProfiles);
  if (Reader::Member(body, "subjects")) {
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

Report ReadReport(const object& body, Reader* reader) {
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
  reader->Fail("report", kind == "flow" || kind == "sessions"
                             ? "this report is not answered by this version"
                             : "one of insights, funnel, retention, people expected");
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
  Reader reader;
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
  Reader reader;
  FunnelReport report = ReadFunnelDefinition(*body, &reader);
  if (!reader.ok()) {
    return Error{ErrorCode::kInvalid, reader.error()};
  }
  return report;
}

}  // namespace bulkhead
