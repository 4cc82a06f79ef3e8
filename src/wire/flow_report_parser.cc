#include "wire/flow_report_parser.h"

#include <algorithm>

namespace bulkhead {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr int64_t kMostSteps = 20;  // on one side of an anchor
constexpr int64_t kAfterLast = 3;   // where the report does not say

void ReadAnchors(const object& body, FlowReport* report, ReportReader* reader) {
  reader->ForEach(
      body, "anchors", kMaxFlowAnchors, [&](const element& entry, const std::string& path) {
        FlowAnchor anchor;
        anchor.selector = ReadNamedSelector(entry, path, reader);
        object of;
        if (!reader->ok() || entry.get_object().get(of) != simdjson::SUCCESS) {
          return;
        }
        const auto steps = [&](std::string_view name) {
          return reader->Integer(of, name, path + "." + std::string(name), {0, kMostSteps}, -1);
        };
        const int64_t before = steps("before");
        const int64_t after = steps("after");
        anchor.before = before < 0 ? 0 : static_cast<size_t>(before);
        anchor.after = after < 0 ? SIZE_MAX : static_cast<size_t>(after);
        report->anchors.push_back(std::move(anchor));
      });
  if (report->anchors.empty()) {
    reader->Fail("anchors", "at least one expected");
    return;
  }
  size_t columns = 0;
  for (FlowAnchor& anchor : report->anchors) {
    if (anchor.after == SIZE_MAX) {
      anchor.after = &anchor == &report->anchors.back() ? kAfterLast : 0;
    }
    columns += 1 + anchor.before + anchor.after;
  }
  if (columns > kMaxFlowColumns) {
    reader->Fail("anchors", "at most 40 anchors and steps together");
  }
}

void ReadExpansions(const object& body, FlowReport* report, ReportReader* reader) {
  reader->ForEach(
      body, "expand", kMaxFlowExclusions, [&](const element& entry, const std::string& path) {
        FlowExpansion expansion;
        object of;
        if (entry.get_object().get(of) != simdjson::SUCCESS) {
          reader->Fail(path, "an object expected");
          return;
        }
        expansion.event = reader->String(of, "event", path + ".event");
        if (expansion.event.empty()) {
          reader->Fail(path + ".event", "an event name expected");
        } else if (std::ranges::any_of(report->expand, [&](const FlowExpansion& one) {
                     return one.event == expansion.event;
                   })) {
          reader->Fail(path + ".event", "it is expanded already");
        }
        const std::string at = path + ".property";
        expansion.property = ReadProperty(reader->String(of, "property", at), at, reader);
        if (expansion.property.of_user) {
          reader->Fail(at, "a property of the event expected");
        }
        report->expand.push_back(std::move(expansion));
      });
}

}  // namespace

FlowReport ReadFlow(const object& body, ReportReader* reader) {
  FlowReport report;
  report.range = ReadRange(body, reader);
  if (reader->Boolean(body, "shared", "shared")) {
    reader->Fail("shared", "flows are not for readers outside");
  }
  ReadAnchors(body, &report, reader);
  constexpr std::pair<std::string_view, FlowCount> kCounts[] = {{"uniques", FlowCount::kUniques},
                                                                {"totals", FlowCount::kTotals},
                                                                {"sessions", FlowCount::kSessions}};
  report.count = reader->Choice(body, "count", "count", kCounts, FlowCount::kUniques);
  report.rows = static_cast<size_t>(reader->Integer(body, "rows", "rows", {1, 1000}, 3));
  report.paths = static_cast<size_t>(reader->Integer(body, "paths", "paths", {0, 10'000}, 50));
  if (const std::optional<ReportWindow> window = ReadWindow(body, reader)) {
    if (window->sessions > 0) {
      reader->Fail("window.unit", "a span of time expected; \"count\":\"sessions\" is one session");
    }
    report.window_ms = window->ms;
  }
  report.session_timeout_ms = ReadSessionTimeout(body, reader);
  reader->ForEach(body, "exclude", kMaxFlowExclusions,
                  [&](const element& entry, const std::string& path) {
                    report.exclude.push_back(ReadNamedSelector(entry, path, reader));
                  });
  report.hold = ReadHeld(body, reader);
  ReadExpansions(body, &report, reader);
  report.global_where = reader->Where(body, "where", "where");
  return report;
}

}  // namespace bulkhead
