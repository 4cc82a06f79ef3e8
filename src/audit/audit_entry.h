// One entry of the audit log: who did what to whose data. Canonical JSON (RFC 8785: keys sorted, no
// white space, one spelling for every text), so that an entry's bytes and its meaning are the same
// thing. docs/formats/audit.md draws it. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/merkle_tree.h"
#include "model/ids.h"

namespace bulkhead {

inline constexpr size_t kMaxAuditTextBytes = 500;
inline constexpr size_t kMaxAuditFields = 64;
inline constexpr size_t kMaxAuditFieldBytes = 100;
inline constexpr size_t kMaxNamedSubjects = 1000;                // in an erasure's entry
inline constexpr size_t kMaxAuditSubjects = 16UL * 1024 * 1024;  // in a set

// The entries that name their subjects openly: a restored backup must know whom to erase again.
inline constexpr std::string_view kEraseAction = "erase";

// Pseudonyms and counts only. Texts are printable and without '@', so that an address typed into a
// purpose is refused and not kept for ever.
struct AuditEntry {
  std::string actor;     // an account or an operating-system user, never empty
  std::string action;    // "reveal", "erase", "export", "sign-in", ...; never empty
  uint32_t project = 0;  // 0: no project
  std::string purpose;
  std::string scope;                // which rows: dates, page
  std::vector<SubjectId> subjects;  // whose data; in any order. Up to kMaxAuditSubjects
  uint64_t count = 0;               // of subjects, rows or fields that the action concerns
  std::string outcome;              // "allowed", "denied", "failed", "done", ...
  std::string approval;             // id of the approval that allowed it
  std::vector<std::string> fields;  // names of what was shown or sent
  std::string policy;               // version of the policy that ruled
  std::optional<uint64_t> budget_left = std::nullopt;  // distinct subjects; set: it was charged
};

// What an entry says of its subjects where it does not name them: how many, and the root of a hash
// tree over their handles (audit/subject_sets.h).
struct SubjectSetRoot {
  uint64_t count = 0;
  TreeHash root{};
  std::array<uint8_t, 16> salt{};
  friend bool operator==(const SubjectSetRoot&, const SubjectSetRoot&) = default;
};

// An entry as it stands in the log.
struct AuditRecord {
  AuditEntry entry;  // `subjects`: only where the action is kEraseAction
  uint64_t index = 0;
  int64_t ts_ms = 0;
  std::optional<SubjectSetRoot> set;
};

// Why the entry may not be written, or nothing.
std::optional<std::string> FaultOfEntry(const AuditEntry& entry);

// At most 65,535 bytes for an entry without fault.
std::string WriteAuditRecord(const AuditRecord& record);

// The record, or nothing where the bytes are not exactly what WriteAuditRecord gives for it.
std::optional<AuditRecord> ReadAuditRecord(std::string_view text);

}  // namespace bulkhead
