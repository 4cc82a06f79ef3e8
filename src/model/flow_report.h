// What people did before and after certain events, and its answer. The rules in words:
// docs/reports.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/ids.h"
#include "model/report_parts.h"
#include "model/value.h"

namespace bulkhead {

enum class FlowCount : unsigned char { kUniques = 1, kTotals, kSessions };

inline constexpr size_t kMaxFlowAnchors = 8;
inline constexpr size_t kMaxFlowColumns = 40;  // anchors and steps together
inline constexpr size_t kMaxFlowExclusions = 16;

struct FlowAnchor {
  EventSelector selector;  // a named event
  size_t before = 0;       // columns of steps that lead to it
  size_t after = 0;        // and of steps that follow
};

// An event whose steps are told apart by a property's value.
struct FlowExpansion {
  std::string event;
  PropertyRef property;  // of the event
};

struct FlowReport {
  ProjectId project;
  DateRange range;                  // in which the first anchor lies
  std::vector<FlowAnchor> anchors;  // done in this order
  size_t rows = 3;                  // steps of a column that are shown, the others in one
  size_t paths = 50;                // commonest ones that are listed
  int64_t window_ms = 30LL * 24 * 3600 * 1000;  // around the first anchor
  int64_t session_timeout_ms = 30LL * 60 * 1000;
  FlowCount count = FlowCount::kUniques;
  std::vector<EventSelector> exclude;  // that are passed over
  std::vector<std::string> hold;       // event properties that equal the first anchor's
  std::vector<FlowExpansion> expand;   // at most one for each event
  SharedExpression global_where;       // of the first anchor
};

// A step as it is shown: its event and, where that is expanded, the value.
struct FlowStep {
  std::string event;
  bool expanded = false;
  Value value;            // null: not set
  bool is_other = false;  // all of the column that have no row of their own

  friend bool operator==(const FlowStep&, const FlowStep&) = default;
};

struct FlowRow {
  FlowStep step;
  uint64_t count = 0;
};

struct FlowColumn {
  enum class Kind : unsigned char { kBefore = 1, kAnchor, kAfter } kind = Kind::kAnchor;
  size_t anchor = 0;          // whose
  std::vector<FlowRow> rows;  // most frequent first, the others last
  uint64_t dropped = 0;       // flows that ended with the column before, and were to go on
};

struct FlowLink {
  size_t from_column = 0, from_row = 0, to_column = 0, to_row = 0;
  uint64_t count = 0;
};

struct FlowPath {
  std::vector<FlowStep> steps;
  uint64_t count = 0;
};

struct FlowReached {
  std::string event;
  uint64_t count = 0;  // flows that did this anchor
};

struct FlowResult {
  std::vector<FlowReached> anchors;
  std::vector<FlowColumn> columns;
  std::vector<FlowLink> links;  // by place
  std::vector<FlowPath> paths;  // commonest first
};

}  // namespace bulkhead
