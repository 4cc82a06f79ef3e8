#include "main/sieve_report.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <map>

#include "model/value.h"

namespace bulkhead {
namespace {

struct ProjectParts {
  std::string refused, unknown, differences;
  bool truncated = false;
};

void AppendText(std::string_view name, std::string_view text, std::string* json) {
  *json += json->ends_with('{') ? "\"" : ",\"";
  json->append(name).append("\":");
  AppendJsonString(text, json);
}

void AppendSeen(uint64_t count, int64_t first_ms, int64_t last_ms, std::string* json) {
  fmt::format_to(std::back_inserter(*json), R"(,"count":{},"first_seen":{},"last_seen":{})", count,
                 first_ms / 1000, last_ms / 1000);
}

std::string RefusedJson(const SieveCount& count) {
  std::string json = "{";
  AppendText("rule", count.rule, &json);
  AppendText("path", count.path, &json);
  AppendText("library", count.library, &json);
  AppendText("action", ActionName(count.action), &json);
  AppendSeen(count.count, count.first_seen_ms, count.last_seen_ms, &json);
  json += ",\"hours\":[";
  size_t hours = kSieveHours;
  while (hours > 0 && count.hours[hours - 1] == 0) --hours;
  for (size_t i = 0; i < hours; ++i) {
    json += fmt::format("{}{}", i > 0 ? "," : "", count.hours.at(i));
  }
  return json + "]}";
}

std::string UnknownJson(const UnknownCount& count) {
  std::string json = "{";
  AppendText("event", count.event, &json);
  AppendText("property", count.property, &json);
  AppendSeen(count.count, count.first_seen_ms, count.last_seen_ms, &json);
  return json + "}";
}

// Collects parts as long as there is room.
class Collector {
 public:
  explicit Collector(size_t room) : room_(room) {}

  void Add(ProjectId project, std::string ProjectParts::*list, const std::string& entry) {
    ProjectParts& parts = all_[project];
    if (entry.size() + 1 > room_) {
      parts.truncated = true;
      return;
    }
    room_ -= entry.size() + 1;
    (parts.*list).append((parts.*list).empty() ? "" : ",").append(entry);
  }
  [[nodiscard]] const std::map<ProjectId, ProjectParts>& all() const { return all_; }

 private:
  size_t room_;
  std::map<ProjectId, ProjectParts> all_;
};

std::string ReportJson(const ProjectParts& parts, const TrialCounts* trial) {
  std::string json = R"({"refused":[)" + parts.refused + R"(],"unknown":[)" + parts.unknown + "]";
  if (trial != nullptr) {
    json += fmt::format(R"(,"trial":{{"seen":{},"changed":{},"differences":[{}]}})", trial->seen,
                        trial->changed, parts.differences);
  }
  return json + (parts.truncated ? ",\"truncated\":true}" : "}");
}

}  // namespace

std::string SieveReports(const SieveCounters& counters, const PolicyTrial* trial,
                         size_t max_bytes) {
  Collector collector(max_bytes / 10 * 9);  // the rest is for what surrounds the lists
  for (const SieveCount& count : counters.Snapshot()) {
    collector.Add(count.project, &ProjectParts::refused, RefusedJson(count));
  }
  TrialResult tried;
  if (trial != nullptr) {
    tried = trial->result();
    for (const TrialDifference& difference : tried.differences) {
      collector.Add(difference.project, &ProjectParts::differences, DifferenceJson(difference));
    }
  }
  for (const UnknownCount& count : counters.UnknownSnapshot()) {
    collector.Add(count.project, &ProjectParts::unknown, UnknownJson(count));
  }
  std::string json = "{";
  for (const auto& [project, parts] : collector.all()) {
    json += fmt::format("{}\"{}\":", json.size() > 1 ? "," : "", project.value);
    json += ReportJson(parts, trial != nullptr ? &tried.projects[project] : nullptr);
  }
  return json + "}";
}

Result<std::string> SieveReportOf(std::string_view reports, ProjectId project) {
  simdjson::dom::parser parser;
  simdjson::dom::object all;
  if (reports.empty()) {
    return ReportJson({}, nullptr);
  }
  if (parser.parse(simdjson::padded_string(reports)).get(all) != simdjson::SUCCESS) {
    return Error{ErrorCode::kUnavailable, "intake's report cannot be read"};
  }
  simdjson::dom::element own;
  if (all[std::to_string(project.value)].get(own) != simdjson::SUCCESS) {
    return ReportJson({}, nullptr);
  }
  return std::string(simdjson::minify(own));
}

}  // namespace bulkhead
