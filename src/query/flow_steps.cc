#include "query/flow_steps.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace bulkhead {

FlowSteps FlowSteps::Make(const ScanContext& scan, const std::vector<FlowExpansion>& expansions) {
  FlowSteps steps;
  steps.scan_ = &scan;
  std::set<std::string_view> all;
  for (uint32_t source = 0; source < scan.sources(); ++source) {
    const Dictionary& names = scan.EventNames(source);
    for (uint32_t code = 1; code <= names.size(); ++code) all.insert(names.String(code));
  }
  for (const FlowExpansion& expansion : expansions) {
    steps.values_.push_back(ValueIds::Make(scan, expansion.property, false));
  }
  uint32_t next = 1;
  for (const std::string_view name : all) {
    Event event{std::string(name), next, -1};
    const auto expansion = std::ranges::find(expansions, event.name, &FlowExpansion::event);
    if (expansion != expansions.end()) {
      event.values = static_cast<int>(expansion - expansions.begin());
      next += steps.values_[static_cast<size_t>(event.values)].size();
    } else {
      ++next;
    }
    steps.names_.push_back(std::move(event));
  }
  for (uint32_t source = 0; source < scan.sources(); ++source) {
    const Dictionary& names = scan.EventNames(source);
    std::vector<uint32_t>& places = steps.events_.emplace_back(names.size() + 1, 0);
    for (uint32_t code = 1; code <= names.size(); ++code) {
      places[code] = static_cast<uint32_t>(
          std::ranges::lower_bound(steps.names_, names.String(code), {}, &Event::name) -
          steps.names_.begin());
    }
  }
  return steps;
}

FlowStep FlowSteps::At(uint32_t id) const {
  const auto event = std::ranges::upper_bound(names_, id, {}, &Event::first) - 1;
  FlowStep step;
  step.event = event->name;
  step.expanded = event->values >= 0;
  if (step.expanded) {
    step.value = values_[static_cast<size_t>(event->values)].At(id - event->first);
  }
  return step;
}

}  // namespace bulkhead
