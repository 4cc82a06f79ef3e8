#include "query/flow.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <tuple>
#include <unordered_map>

#include "base/limits.h"
#include "query/flow_steps.h"
#include "query/flow_walk.h"
#include "query/path_counts.h"
#include "query/sessions.h"

namespace bulkhead {
namespace {

// Everything fixed before the scan.
struct FlowSetup {
  FlowPlan plan;
  const FlowReport* report = nullptr;
  const ReportContext* context = nullptr;
  const ScanContext* scan = nullptr;
  const FlowSteps* steps = nullptr;
  std::vector<ValueIds> hold;
  int64_t from_ms = 0;
  int64_t to_ms = 0;
  uint64_t global_bit = 0;  // 0 = no condition on the first anchor
};

class FlowVisitor final : public PersonVisitor {
 public:
  explicit FlowVisitor(const FlowSetup& setup)
      : setup_(setup),
        walk_(setup.plan),
        reached_(setup.plan.anchors.size(), 0),
        path_(setup.plan.columns, 0),
        paths_(setup.plan.columns,
               limits::kMaxReportBytes / static_cast<size_t>(setup.context->threads)) {}

  void Visit(const PersonHits& person) override {
    held_.clear();
    for (const Hit& hit : person.hits) {
      for (const ValueIds& ids : setup_.hold) held_.push_back(ids.OfRow(hit.source, hit.row));
    }
    walk_.Begin(person.hits, held_);
    if (setup_.report->count != FlowCount::kSessions) {
      CountFlows(person.hits);
      return;
    }
    ForEachSession(person.hits, {&setup_.context->zone, setup_.report->session_timeout_ms},
                   [&](size_t begin, size_t end) {
                     walk_.Restrict(begin, end);
                     if (walk_.Next(setup_.from_ms, setup_.to_ms, &flow_)) Count(person.hits);
                   });
  }

  [[nodiscard]] const std::vector<uint64_t>& reached() const { return reached_; }
  [[nodiscard]] const PathCounts& paths() const { return paths_; }

 private:
  void CountFlows(std::span<const Hit> hits) {
    while (walk_.Next(setup_.from_ms, setup_.to_ms, &flow_)) {
      if (Count(hits) && setup_.report->count == FlowCount::kUniques) {
        return;
      }
    }
  }

  // False: the condition on the first anchor does not hold.
  bool Count(std::span<const Hit> hits) {
    if (setup_.global_bit != 0 && (hits[flow_.anchors[0]].mask & setup_.global_bit) == 0) {
      return false;
    }
    for (size_t a = 0; a < flow_.reached; ++a) ++reached_[a];
    for (size_t c = 0; c < path_.size(); ++c) {
      path_[c] = flow_.hit[c] == Flow::kNone ? 0 : setup_.steps->Of(hits[flow_.hit[c]]);
    }
    paths_.Add(path_, 1);
    return true;
  }

  const FlowSetup& setup_;
  FlowWalk walk_;
  Flow flow_;
  std::vector<uint32_t> held_;
  std::vector<uint64_t> reached_;
  std::vector<uint32_t> path_;
  PathCounts paths_;
};

// Which row of its column each step is shown in.
struct ColumnRows {
  std::unordered_map<uint32_t, size_t> rows;  // those with one of their own
  size_t others = 0;                          // the row of all others

  [[nodiscard]] size_t Of(uint32_t step) const {
    const auto found = rows.find(step);
    return found == rows.end() ? others : found->second;
  }
};

// The answer out of all paths.
class FlowAnswer {
 public:
  FlowAnswer(const FlowSetup& setup, const PathCounts& paths) : setup_(setup), paths_(paths) {
    OrderSteps();
  }

  FlowResult Make(const std::vector<uint64_t>& reached) {
    FlowResult result;
    for (size_t a = 0; a < reached.size(); ++a) {
      result.anchors.push_back({setup_.report->anchors[a].selector.event, reached[a]});
    }
    MakeColumns(&result);
    MakeLinks(&result);
    MakePaths(&result);
    return result;
  }

 private:
  // Steps of equal counts stand in the order of their names, whatever numbers they have.
  void OrderSteps() {
    std::vector<std::tuple<std::string, std::string, uint32_t>> used;
    for (size_t p = 0; p < paths_.size(); ++p) {
      for (const uint32_t id : paths_.Path(p)) {
        if (id != 0 && order_.try_emplace(id, 0).second) {
          const FlowStep step = setup_.steps->At(id);
          used.emplace_back(step.event, step.expanded ? ToJson(step.value) : "", id);
        }
      }
    }
    std::ranges::sort(used);
    for (size_t i = 0; i < used.size(); ++i) {
      order_[std::get<2>(used[i])] = static_cast<uint32_t>(i) + 1;
    }
    order_[0] = 0;
  }

  void MakeColumns(FlowResult* result) {
    for (size_t a = 0; a < setup_.plan.anchors.size(); ++a) {
      const FlowPlan::Anchor& anchor = setup_.plan.anchors[a];
      using Kind = FlowColumn::Kind;
      result->columns.insert(result->columns.end(), anchor.before, {Kind::kBefore, a, {}, 0});
      result->columns.push_back({Kind::kAnchor, a, {}, 0});
      result->columns.insert(result->columns.end(), anchor.after, {Kind::kAfter, a, {}, 0});
    }
    for (size_t c = 0; c < result->columns.size(); ++c) {
      MakeRows(c, &result->columns[c]);
    }
  }

  void MakeRows(size_t column, FlowColumn* shown) {
    std::unordered_map<uint32_t, uint64_t> counts;
    for (size_t p = 0; p < paths_.size(); ++p) {
      const uint32_t id = paths_.Path(p)[column];
      if (id != 0) counts[id] += paths_.Count(p);
    }
    std::vector<std::pair<uint32_t, uint64_t>> all(counts.begin(), counts.end());
    std::ranges::sort(all, [&](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : order_.at(a.first) < order_.at(b.first);
    });
    ColumnRows& rows = rows_.emplace_back();
    rows.others = std::min(all.size(), setup_.report->rows);
    FlowRow others{{.event = "$other", .value = {}, .is_other = true}, 0};
    for (size_t i = 0; i < all.size(); ++i) {
      if (i < rows.others) {
        rows.rows[all[i].first] = i;
        shown->rows.push_back({setup_.steps->At(all[i].first), all[i].second});
      } else {
        others.count += all[i].second;
      }
    }
    if (all.size() > rows.others) shown->rows.push_back(std::move(others));
  }

  void MakeLinks(FlowResult* result) {
    std::map<std::array<size_t, 4>, uint64_t> links;
    for (size_t p = 0; p < paths_.size(); ++p) {
      const std::span<const uint32_t> path = paths_.Path(p);
      size_t last = path.size();  // the last column that was not empty
      for (size_t c = 0; c < path.size(); ++c) {
        if (path[c] == 0) continue;
        if (last < path.size()) {
          links[{last, rows_[last].Of(path[last]), c, rows_[c].Of(path[c])}] += paths_.Count(p);
        }
        last = c;
      }
      if (last + 1 < path.size()) result->columns[last + 1].dropped += paths_.Count(p);
    }
    for (const auto& [place, count] : links) {
      result->links.push_back({place[0], place[1], place[2], place[3], count});
    }
  }

  void MakePaths(FlowResult* result) {
    std::vector<size_t> order(paths_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const size_t kept = std::min(order.size(), setup_.report->paths);
    const auto before = [&](size_t a, size_t b) {
      return paths_.Count(a) != paths_.Count(b) ? paths_.Count(a) > paths_.Count(b)
                                                : std::ranges::lexicographical_compare(
                                                      paths_.Path(a), paths_.Path(b), {},
                                                      [&](uint32_t id) { return order_.at(id); },
                                                      [&](uint32_t id) { return order_.at(id); });
    };
    std::ranges::partial_sort(order, order.begin() + static_cast<ptrdiff_t>(kept), before);
    for (const size_t place : std::span(order).first(kept)) {
      FlowPath& path = result->paths.emplace_back();
      path.count = paths_.Count(place);
      for (const uint32_t id : paths_.Path(place)) {
        if (id != 0) path.steps.push_back(setup_.steps->At(id));
      }
    }
  }

  const FlowSetup& setup_;
  const PathCounts& paths_;
  std::unordered_map<uint32_t, uint32_t> order_;  // by step
  std::vector<ColumnRows> rows_;                  // by column
};

Result<void> CheckReport(const FlowReport& report) {
  const auto fault = [](const char* what) { return Error{ErrorCode::kInvalid, what}; };
  if (report.anchors.empty() || report.anchors.size() > kMaxFlowAnchors) {
    return fault("anchors: from 1 to 8 expected");
  }
  size_t columns = 0;
  for (const FlowAnchor& anchor : report.anchors) columns += 1 + anchor.before + anchor.after;
  if (columns > kMaxFlowColumns) {
    return fault("anchors: at most 40 columns together");
  }
  return report.exclude.size() > kMaxFlowExclusions ? fault("exclude: at most 16 entries")
                                                    : Result<void>();
}

FlowPlan MakePlan(const FlowReport& report) {
  FlowPlan plan;
  plan.window_ms = report.count == FlowCount::kSessions ? kLongestSessionMs : report.window_ms;
  plan.hold = report.hold.size();
  for (const FlowAnchor& anchor : report.anchors) {
    plan.anchors.push_back({plan.columns + anchor.before, anchor.before, anchor.after});
    plan.columns += anchor.before + 1 + anchor.after;
  }
  return plan;
}

// `entry` keeps the expression of the condition on the first anchor alive.
ScanSpec MakeSpec(const FlowReport& report, FlowSetup* setup, SharedExpression* entry) {
  ScanSpec spec;
  for (const FlowAnchor& anchor : report.anchors) {
    spec.filters.push_back({anchor.selector.event, anchor.selector.where.get()});
  }
  for (const EventSelector& excluded : report.exclude) {
    setup->plan.excluded |= uint64_t{1} << spec.filters.size();
    spec.filters.push_back({excluded.event, excluded.where.get()});
  }
  if (report.global_where != nullptr) {
    *entry = Both(report.anchors[0].selector.where, report.global_where);
    setup->global_bit = uint64_t{1} << spec.filters.size();
    spec.filters.push_back({report.anchors[0].selector.event, entry->get()});
  }
  spec.filters.push_back({"", nullptr});  // every event may be a step
  for (const std::string& name : report.hold) ScanProperty(&spec, name);
  for (const FlowExpansion& expansion : report.expand) {
    ScanProperty(&spec, expansion.property.name);
  }
  const bool sessions = report.count == FlowCount::kSessions;
  const bool looks_back = report.anchors[0].before > 0;
  spec.from_ms = setup->from_ms - (sessions || !looks_back ? 0 : report.window_ms);
  spec.to_ms = setup->to_ms + (sessions ? 0 : report.window_ms + 1);
  return spec;
}

Result<FlowResult> Answer(const FlowSetup& setup) {
  std::vector<uint64_t> reached(setup.plan.anchors.size(), 0);
  PathCounts paths(setup.plan.columns, limits::kMaxReportBytes);
  bool full = false;
  for (const auto& visitor : RunPersons<FlowVisitor>(*setup.scan, setup.context->threads, [&] {
         return std::make_unique<FlowVisitor>(setup);
       })) {
    for (size_t a = 0; a < reached.size(); ++a) reached[a] += visitor->reached()[a];
    for (size_t p = 0; p < visitor->paths().size(); ++p) {
      paths.Add(visitor->paths().Path(p), visitor->paths().Count(p));
    }
    full = full || visitor->paths().full();
  }
  if (full || paths.full()) {
    return Error{ErrorCode::kInvalid,
                 "anchors: more different paths than a report may have; ask for fewer steps, "
                 "exclude events, or expand fewer"};
  }
  return FlowAnswer(setup, paths).Make(reached);
}

}  // namespace

Result<FlowResult> RunFlow(const ReportContext& context, const FlowReport& report) {
  if (Result<void> checked = CheckReport(report); !checked) {
    return checked.error();
  }
  const Result<Buckets> range = Buckets::Make(report.range, context.zone, TimeUnit::kDay, 1);
  if (!range) {
    return range.error();
  }
  FlowSetup setup;
  setup.report = &report;
  setup.context = &context;
  setup.plan = MakePlan(report);
  setup.from_ms = range->from_ms();
  setup.to_ms = range->to_ms();
  SharedExpression entry;
  const Result<std::unique_ptr<ScanContext>> scan =
      ScanContext::Prepare(context.snapshot, MakeSpec(report, &setup, &entry));
  if (!scan) {
    return scan.error();
  }
  setup.scan = scan->get();
  for (const std::string& name : report.hold) {
    PropertyRef property;
    property.name = name;
    setup.hold.push_back(ValueIds::Make(**scan, property, false));
  }
  const FlowSteps steps = FlowSteps::Make(**scan, report.expand);
  setup.steps = &steps;
  return Answer(setup);
}

}  // namespace bulkhead
