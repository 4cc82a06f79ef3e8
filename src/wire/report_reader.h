// What the parsers of all reports read with.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "model/report.h"
#include "wire/expression_parser.h"

namespace bulkhead {

// Reads typed members and remembers the first thing that is wrong, by its path. Every reader
// returns its default then.
class ReportReader {
  using element = simdjson::dom::element;
  using object = simdjson::dom::object;

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
    simdjson::dom::array list;
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

// "from", "to", "timezone".
DateRange ReadRange(const simdjson::dom::object& body, ReportReader* reader);
// {"event","where"}; the event may be absent.
EventSelector ReadSelector(const simdjson::dom::element& entry, const std::string& path,
                           ReportReader* reader);
// The same with an event.
EventSelector ReadNamedSelector(const simdjson::dom::element& entry, const std::string& path,
                                ReportReader* reader);
// A name, user["name"] or properties["name"].
PropertyRef ReadProperty(const std::string& text, const std::string& path, ReportReader* reader);
// A breakdown entry: a name, or {"property":name,"of":"event|user"}.
PropertyRef ReadBreakdown(const simdjson::dom::element& entry, const std::string& path,
                          ReportReader* reader);
// "limit" of segments.
size_t ReadLimit(const simdjson::dom::object& body, ReportReader* reader);

// A span of time, or of sessions.
struct ReportWindow {
  int64_t ms = 0;  // 0: it is one of sessions
  int sessions = 0;
};
// "window":{"value","unit"}; nothing where it is absent.
std::optional<ReportWindow> ReadWindow(const simdjson::dom::object& body, ReportReader* reader);
// "session_timeout_s", in milliseconds.
int64_t ReadSessionTimeout(const simdjson::dom::object& body, ReportReader* reader);
// "hold": at most three names of event properties.
std::vector<std::string> ReadHeld(const simdjson::dom::object& body, ReportReader* reader);

}  // namespace bulkhead
