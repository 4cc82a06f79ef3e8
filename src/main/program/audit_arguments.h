// The arguments of `bulkhead audit ...` and `bulkhead witness`.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/result.h"

namespace bulkhead {

// `action` is set by the command that is given.
void AddAuditCommands(CLI::App& app, std::function<Result<void>()>* action);

}  // namespace bulkhead
