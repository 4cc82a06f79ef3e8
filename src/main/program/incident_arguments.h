// The arguments of `bulkhead incident ...`.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/result.h"

namespace bulkhead {

void AddIncidentCommands(CLI::App& app, std::function<Result<void>()>* action);

}  // namespace bulkhead
