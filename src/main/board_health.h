// What the boards say of the whole server: health, and the metrics of all compartments.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>

#include "channel/status_board.h"
#include "http/server.h"
#include "main/board_numbers.h"

namespace bulkhead {

using Boards = std::array<std::unique_ptr<StatusBoard>, kBoards>;

// Ready: every compartment runs, none stands still, and everything acknowledged can be queried.
Health HealthOf(const Boards& boards);
// Waits until the vault has applied all that is durable in the log now. False: not within
// `patience`.
bool WaitForVault(const Boards& boards, std::chrono::milliseconds patience);
void AppendBoardMetrics(const Boards& boards, std::string* out);

}  // namespace bulkhead
