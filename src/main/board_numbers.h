// What the numbers and texts on each compartment's board mean (channel/status_board.h).
#pragma once

#include <cstddef>

#include "base/compartment.h"

namespace bulkhead {

inline constexpr size_t kSupervisorBoard = kCompartmentCount;  // its place after the children's
inline constexpr size_t kBoards = kCompartmentCount + 1;

// On every board.
inline constexpr size_t kBoardTrouble =
    0;  // 1: something stands still; the program's log says what

// On intake's.
inline constexpr size_t kIntakeDurableEnd = 1;  // everything before is durable in the log
inline constexpr size_t kIntakeForgotten = 2;   // as kCoreForget: that far it has been done
inline constexpr size_t kIntakeForgetFrom = 3;  // the log begins anew here for that
inline constexpr size_t kIntakeLogBytes = 4;
inline constexpr size_t kIntakePolicyTrouble = 5;  // 1: policy.toml is not what is in force

// On core's and the vault's, of egress the second: positions in the log, plus one; zero: not known
// yet.
inline constexpr size_t kFollowerApplied = 1;
inline constexpr size_t kFollowerDurable = 2;  // of what is on disk: the log may end before it
// On the vault's: no erasure reaches behind this position; the log goes on at or after it.
inline constexpr size_t kVaultHorizon = 3;
// On core's: grows by one when the log is to be emptied of what came before, after an erasure.
inline constexpr size_t kCoreForget = 3;

// On the supervisor's, each of kCompartmentCount numbers.
inline constexpr size_t kChildRunning = 1;   // 1 while it answers
inline constexpr size_t kChildRestarts = 8;  // since the start
inline constexpr size_t kChildStorm = 16;    // 1: it has ended many times in the last minute
inline constexpr size_t kChildDiskBytes = 24;

inline constexpr size_t kTextMetrics = 0;      // OpenMetrics lines
inline constexpr size_t kTextReport = 1;       // JSON: intake's sieve reports (sieve_report.h)
inline constexpr size_t kTextConfinement = 2;  // JSON: what holds the compartment in

}  // namespace bulkhead
