// What each `bulkhead` command does, apart from reading its arguments. Errors come back to be
// printed by the program.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "main/data_directory.h"
#include "main/supervisor.h"

namespace bulkhead {

Result<void> CommandInit(const DataDirectory& dir, const InitOptions& options, bool json);
Result<void> CommandServe(const DataDirectory& dir, const SupervisorOptions& options);
Result<void> CommandImport(const DataDirectory& dir, const std::vector<std::string>& files,
                           bool quiet);

struct QueryCommand {
  std::string target;       // data directory or http(s) URL
  std::string report_path;  // "-" = standard input
  std::string format = "table";
  std::string account;  // "user:secret"; empty: BULKHEAD_ACCOUNT, or the operator's own
};
Result<void> CommandQuery(const QueryCommand& command);

// Whom a vault command is about: the pseudonym, or the raw id that an SDK sent (which is then not
// kept anywhere).
struct VaultCommand {
  std::string subject;
  std::string raw_id;
  std::string email;
  std::string purpose;    // one of docs/vault.md
  std::string reference;  // a ticket's number or the like
  bool history = false;   // former values too
  uint32_t project = 1;
};
Result<void> CommandReveal(const DataDirectory& dir, const VaultCommand& command);
Result<void> CommandErase(const DataDirectory& dir, const VaultCommand& command);
Result<void> CommandFind(const DataDirectory& dir, const VaultCommand& command);
Result<void> CommandDoctor(const DataDirectory& dir);
Result<void> CommandDumpLog(const std::string& path);
Result<void> CommandDumpSegment(const std::string& path);

}  // namespace bulkhead
