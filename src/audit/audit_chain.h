// The rule that makes lines a chain, over bytes that may end in the middle of one. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audit/audit_file.h"
#include "audit/audit_line.h"

namespace bulkhead {

struct AuditTail {
  uint64_t good_bytes = 0;  // of the bytes read: complete lines in the chain
  std::string torn;         // what lies behind them, from a write that was cut off
};

// Reads `bytes`, which begin at a line's start, on from `state` and advances it. kCorruption names
// the first bad line.
Result<AuditTail> ReadAuditChain(std::string_view bytes, AuditState* state);

// Ends a torn line before anything is put behind it. It is no bare newline, since a power cut after
// that would leave what looks like a whole line that somebody changed.
inline constexpr std::string_view kTornMark = " #torn\n";

uint64_t CountLines(std::string_view bytes);

// The entry that owns up to a torn line before it.
AuditEntry TornEntry(std::string_view torn);

// The chain's next line, with its newline; advances `state`.
std::string AppendToAuditChain(const AuditEntry& entry, int64_t ts_ms, AuditState* state);

}  // namespace bulkhead
