#include "wire/report_reader.h"

#include "base/limits.h"

namespace bulkhead {

using simdjson::dom::element;
using simdjson::dom::object;

namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kMostWindowDays = 366;
constexpr int64_t kMostWindowSessions = 12;

bool IsDate(std::string_view text) {
  return text.size() == 10 && ParseDateTimeMs(text).has_value();
}

}  // namespace

DateRange ReadRange(const object& body, ReportReader* reader) {
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

EventSelector ReadSelector(const element& entry, const std::string& path, ReportReader* reader) {
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

EventSelector ReadNamedSelector(const element& entry, const std::string& path,
                                ReportReader* reader) {
  EventSelector selector = ReadSelector(entry, path, reader);
  if (reader->ok() && selector.event.empty()) {
    reader->Fail(path + ".event", "an event name expected");
  }
  return selector;
}

PropertyRef ReadProperty(const std::string& text, const std::string& path, ReportReader* reader) {
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

PropertyRef ReadBreakdown(const element& entry, const std::string& path, ReportReader* reader) {
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

size_t ReadLimit(const object& body, ReportReader* reader) {
  return static_cast<size_t>(reader->Integer(
      body, "limit", "limit", {1, static_cast<int64_t>(limits::kMaxSegmentsInReport)}, 200));
}

std::optional<ReportWindow> ReadWindow(const object& body, ReportReader* reader) {
  const std::optional<element> member = ReportReader::Member(body, "window");
  object window;
  if (!member) {
    return std::nullopt;
  }
  if (member->get_object().get(window) != simdjson::SUCCESS) {
    reader->Fail("window", "an object expected");
    return std::nullopt;
  }
  const int64_t value =
      reader->Integer(window, "value", "window.value", {1, kMostWindowDays * 86'400}, 7);
  constexpr std::pair<std::string_view, int64_t> kWindowUnits[] = {
      {"second", 1000},     {"minute", 60'000},     {"hour", 3'600'000}, {"day", kDayMs},
      {"week", 7 * kDayMs}, {"month", 30 * kDayMs}, {"session", 0}};
  const int64_t unit_ms = reader->Choice(window, "unit", "window.unit", kWindowUnits, kDayMs);
  if (unit_ms == 0) {
    if (value > kMostWindowSessions) {
      reader->Fail("window.value", "at most 12 sessions");
    }
    return ReportWindow{0, static_cast<int>(value)};
  }
  if (value * unit_ms > kMostWindowDays * kDayMs) {
    reader->Fail("window", "at most 366 days");
  }
  return ReportWindow{value * unit_ms, 0};
}

int64_t ReadSessionTimeout(const object& body, ReportReader* reader) {
  return 1000 * reader->Integer(body, "session_timeout_s", "session_timeout_s", {60, 86'400}, 1800);
}

std::vector<std::string> ReadHeld(const object& body, ReportReader* reader) {
  std::vector<std::string> held;
  reader->ForEach(body, "hold", 3, [&](const element& entry, const std::string& path) {
    std::string_view name;
    if (entry.get_string().get(name) != simdjson::SUCCESS || name.empty()) {
      reader->Fail(path, "a property name expected");
    }
    held.emplace_back(name);
  });
  return held;
}

}  // namespace bulkhead
