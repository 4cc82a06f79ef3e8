#include "main/drill_count.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <map>

namespace bulkhead {
namespace {

// Part of a message as such, and no field of it.
constexpr std::array<std::string_view, 3> kNoFields = {"time", "distinct_id", "$insert_id"};

struct Counted {
  std::set<std::string> subjects;
  uint64_t sends = 0;
};

class Counting {
 public:
  explicit Counting(const std::set<std::string>& canaries) : canaries_(canaries) {}

  Result<void> AddLine(std::string_view line) {
    simdjson::dom::element root;
    simdjson::dom::object properties;
    std::string_view id;
    const bool parsed = parser_.parse(simdjson::padded_string(line)).get(root) == simdjson::SUCCESS;
    const bool is_event = parsed && root["properties"].get(properties) == simdjson::SUCCESS &&
                          properties["distinct_id"].get(id) == simdjson::SUCCESS;
    const bool is_profile = parsed && !is_event &&
                            root["$properties"].get(properties) == simdjson::SUCCESS &&
                            root["$distinct_id"].get(id) == simdjson::SUCCESS;
    if (!is_event && !is_profile) {
      return Error{ErrorCode::kInvalid, "a line of the vendor's export cannot be read"};
    }
    std::string subject(id);
    std::erase(subject, '-');
    if (canaries_.contains(subject)) subject.clear();
    Add(&all_, subject);
    Add(&fields_["time"], subject);  // of a profile, when it came
    if (is_event) Add(&fields_["event name"], subject);
    for (const auto& [name, value] : properties) {
      if (std::ranges::find(kNoFields, name) == kNoFields.end()) {
        Add(&fields_[std::string(name)], subject);
      }
    }
    return {};
  }

  [[nodiscard]] std::vector<DrillCount> Beside(const IncidentExposure& ledger) const {
    std::vector<DrillCount> counts = {
        {"everything", ledger.subjects, ledger.sends, all_.subjects.size(), all_.sends}};
    std::map<std::string, DrillCount> rows;
    for (const auto& [name, counted] : fields_) {
      rows[name] = {name, 0, 0, counted.subjects.size(), counted.sends};
    }
    for (const IncidentField& one : ledger.fields) {
      DrillCount& row = rows[one.exposed.field.name];
      row.what = one.exposed.field.name;
      row.ledger_subjects += one.exposed.subjects;
      row.ledger_sends += one.exposed.sends;
    }
    for (auto& [name, row] : rows) counts.push_back(row);
    return counts;
  }

 private:
  static void Add(Counted* counted, const std::string& subject) {
    ++counted->sends;
    if (!subject.empty()) counted->subjects.insert(subject);
  }

  const std::set<std::string>& canaries_;
  simdjson::dom::parser parser_;
  Counted all_;
  std::map<std::string, Counted> fields_;
};

}  // namespace

Result<std::vector<DrillCount>> CountAgainstLedger(std::string_view stolen,
                                                   const std::set<std::string>& canaries,
                                                   const IncidentExposure& ledger) {
  Counting counting(canaries);
  for (size_t begin = 0; begin < stolen.size();) {
    const size_t end = std::min(stolen.find('\n', begin), stolen.size());
    if (Result<void> added = counting.AddLine(stolen.substr(begin, end - begin)); !added) {
      return added.error();
    }
    begin = end + 1;
  }
  return counting.Beside(ledger);
}

}  // namespace bulkhead
