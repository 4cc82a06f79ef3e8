// `bulkhead vault export ...` on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/result.h"

namespace bulkhead {

// `action` is set where the command line names one of them.
void AddExportCommands(CLI::App& vault, std::function<Result<void>()>* action);

}  // namespace bulkhead
