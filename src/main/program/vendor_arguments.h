// The arguments of `bulkhead vendor ...`.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/result.h"

namespace bulkhead {

void AddVendorCommands(CLI::App& app, std::function<Result<void>()>* action);

}  // namespace bulkhead
