// Opens the audit log of a data directory, and says which keys it is checked with.
#pragma once

#include <memory>
#include <string>

#include "audit/audit_log.h"
#include "base/file_system.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "main/data_directory.h"

namespace bulkhead {

// The log's public keys, one a line, as they lie beside it in audit.pub for whoever reads it.
std::string LogKeysText(const LogKeys& keys);
Result<LogKeys> LoadLogKeys(FileSystem& fs, const std::string& path);

// With the keys in the data directory. Also brings audit.pub up to date.
Result<std::unique_ptr<AuditLog>> OpenAuditLog(FileSystem& fs, const DataDirectory& dir);
Result<std::unique_ptr<AuditLog>> OpenAuditLog(FileSystem& fs, const DataDirectory& dir,
                                               AuditKeys keys);

}  // namespace bulkhead
