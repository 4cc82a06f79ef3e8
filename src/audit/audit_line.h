// One line of the audit file: canonical JSON (RFC 8785: keys sorted, no white space, one spelling
// for every text), so that a line's bytes and its meaning are the same thing. docs/formats/audit.md
// draws it. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audit/audit_file.h"

namespace bulkhead {

struct AuditLine {
  AuditEntry entry;
  uint64_t seq = 0;  // 1 for the first line
  int64_t ts_ms = 0;
  std::string prev;  // hash of the line before; zeros for the first
  std::string hash;  // of this line without its hash member
};

inline constexpr size_t kMaxAuditTextBytes = 500;
inline constexpr size_t kMaxAuditSubjects = 1000;

std::string ZeroAuditHash();

// Why the entry may not be written, or nothing.
std::optional<std::string> FaultOfEntry(const AuditEntry& entry);

// Fills in the hash and gives the text, without a newline.
std::string WriteAuditLine(AuditLine* line);

// The line, or nothing where the bytes are not exactly what WriteAuditLine would give for it, hash
// included.
std::optional<AuditLine> ReadAuditLine(std::string_view text);

}  // namespace bulkhead
