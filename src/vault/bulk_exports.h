// exports.db: bulk exports that were asked for and wait for their time. No identity lies here, only
// who asked for which subjects. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vault/database.h"
#include "vault/vault_messages.h"

namespace bulkhead {

inline constexpr size_t kMaxWaitingExports = 32;
inline constexpr int64_t kExportCollectMs = 7LL * 24 * 3600 * 1000;  // after that it is too late
inline constexpr int64_t kExportKeepMs = 90LL * 24 * 3600 * 1000;    // in the list, after that gone

struct BulkExport {
  ExportAskCall call;
  ExportInfo info;
};

class BulkExports {
 public:
  static Result<BulkExports> Open(FileSystem& fs, const std::string& path,
                                  const SecretBytes& file_key);

  // Durable when it returns. kLimit: too many are waiting or ready.
  Result<ExportInfo> Add(const ExportAskCall& call, int64_t now_ms, int64_t lock_ms);
  Result<std::vector<ExportInfo>> List(ProjectId project, int64_t now_ms);
  // kNotFound: none of that id in that project.
  Result<BulkExport> Find(ProjectId project, std::string_view export_id, int64_t now_ms);
  // Durable when it returns. A veto of a vetoed or unknown one changes nothing.
  Result<void> Veto(std::string_view export_id, std::string_view actor);
  Result<uint64_t> CountOpen(int64_t now_ms);  // waiting or ready
  Result<void> Forget(int64_t now_ms);         // those older than kExportKeepMs

 private:
  explicit BulkExports(VaultDatabase database) : database_(std::move(database)) {}
  Result<BulkExport> FromRow(const SqlRows& row, int64_t now_ms) const;
  VaultDatabase database_;
};

}  // namespace bulkhead
