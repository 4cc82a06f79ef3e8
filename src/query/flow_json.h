// The JSON of flows: docs/reports.md.
#pragma once

#include <string>

#include "model/flow_report.h"

namespace bulkhead {

std::string FlowJson(const FlowResult& result);

}  // namespace bulkhead
