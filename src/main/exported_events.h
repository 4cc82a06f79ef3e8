// Stored events for a command that tries a policy on them. They are read through the export of a
// running server, so that the audit log has who looked.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "main/reached_server.h"
#include "wire/event_parser.h"

namespace bulkhead {

struct ExportedRange {
  std::string from, to;  // days, YYYY-MM-DD; empty: the last seven
  uint32_t project = 1;
  uint32_t events = 100'000;  // at most
};

// Calls `each` with some of them at a time.
Result<void> ForEachExported(const ReachedServer& server, const ExportedRange& range,
                             const std::function<void(std::vector<ParsedEvent>)>& each);

}  // namespace bulkhead
