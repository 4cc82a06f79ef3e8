// The whole check of an audit log: every byte of every file that the log consists of, against the
// signed checkpoint. docs/audit-verify.md says how to do the same with other people's tools.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "audit/audit_entry.h"
#include "audit/signed_note.h"
#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"

namespace bulkhead {

struct VerifyAuditOptions {
  // A checkpoint that was noted elsewhere (by a witness, in a ticket): the log must contain what it
  // commits to. Empty: none.
  std::string noted_checkpoint;
  // With it the sets of subjects beside the log are checked too; null: only the log.
  const KeyRing* subjects_keys = nullptr;
  unsigned threads = 2;
};

struct AuditLogReport {
  Checkpoint checkpoint;
  uint64_t sets = 0;                // of subjects, checked
  uint64_t missing_sets = 0;        // thrown away
  std::vector<std::string> strays;  // files that are no part of the log
};

// kCorruption, kDenied: the message names what is bad: "entry 17 in tile/entries/000",
// "tile/0/001", "checkpoint", ...
Result<AuditLogReport> VerifyAuditLog(FileSystem& fs, const std::string& dir, const LogKeys& log,
                                      const VerifyAuditOptions& options = {});

}  // namespace bulkhead
