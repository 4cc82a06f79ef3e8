// The arguments of `bulkhead policy`.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/result.h"

namespace bulkhead {

void AddPolicyCommands(CLI::App& app, std::function<Result<void>()>* action);

}  // namespace bulkhead
