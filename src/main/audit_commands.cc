// audit verify: what anybody with the data directory can check.
#include <fmt/format.h>

#include "audit/audit_verify.h"
#include "base/file_system.h"
#include "main/audit_access.h"
#include "main/commands.h"

namespace bulkhead {

Result<void> CommandAuditVerify(const DataDirectory& dir) {
  FileSystem& fs = RealFileSystem();
  const Result<NoteKey> key = LoadAuditPublicKey(fs, dir.AuditPublicKey());
  if (!key) {
    return key.error();
  }
  const Result<AuditLogReport> report = VerifyAuditLog(fs, dir.Audit(), *key);
  if (!report) {
    return report.error();
  }
  fmt::print("{} entries verify under {}; root {}\n", report->checkpoint.size, key->name,
             HashText(report->checkpoint.root));
  return {};
}

}  // namespace bulkhead
