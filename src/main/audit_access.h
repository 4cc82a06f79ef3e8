// Opens the audit log of a data directory, and says which key it is checked with.
#pragma once

#include <memory>
#include <string>

#include "audit/audit_log.h"
#include "audit/audit_verify.h"
#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "main/data_directory.h"

namespace bulkhead {

// The keys of the audit log, from the root key.
struct AuditLogSecrets {
  SecretBytes signing_seed;
  SecretBytes subjects_key;
};
Result<AuditLogSecrets> LoadAuditLogSecrets(FileSystem& fs, const DataDirectory& dir);

// Also puts the log's public key beside it, where it is not there yet (DIR/audit/audit.pub).
Result<std::unique_ptr<AuditLog>> OpenAuditLog(FileSystem& fs, const DataDirectory& dir);

// The key in the file; whoever must not trust the directory gives a key noted elsewhere.
Result<NoteKey> LoadAuditPublicKey(FileSystem& fs, const std::string& path);

}  // namespace bulkhead
