// The steps of flows as small numbers that mean the same in every source of a scan: an event's
// name, told apart by a property's value where the report says so.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/flow_report.h"
#include "query/breakdown.h"
#include "store/person_scan.h"

namespace bulkhead {

class FlowSteps {
 public:
  // The properties of the expansions must be among the scan's.
  static FlowSteps Make(const ScanContext& scan, const std::vector<FlowExpansion>& expansions);

  // From 1 on.
  [[nodiscard]] uint32_t Of(const Hit& hit) const {
    const uint32_t event = events_[hit.source][scan_->Events(hit.source)[hit.row]];
    const Event& of = names_[event];
    return of.values < 0
               ? of.first
               : of.first + values_[static_cast<size_t>(of.values)].OfRow(hit.source, hit.row);
  }
  [[nodiscard]] FlowStep At(uint32_t id) const;

 private:
  struct Event {
    std::string name;
    uint32_t first = 0;  // id of its first value
    int values = -1;     // which of values_; -1: it is not expanded
  };
  const ScanContext* scan_ = nullptr;
  std::vector<Event> names_;                   // by name, and so by first id
  std::vector<std::vector<uint32_t>> events_;  // [source][code]: place in names_
  std::vector<ValueIds> values_;
};

}  // namespace bulkhead
