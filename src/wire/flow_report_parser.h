// The flow report out of its JSON.
#pragma once

#include "wire/report_reader.h"

namespace bulkhead {

// What is wrong stands in `reader`.
FlowReport ReadFlow(const simdjson::dom::object& body, ReportReader* reader);

}  // namespace bulkhead
