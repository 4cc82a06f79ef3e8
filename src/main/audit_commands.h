// What `bulkhead audit ...` and `bulkhead witness` do, apart from reading their arguments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace bulkhead {

struct AuditCommand {
  // A data directory, or a copy of the log alone (DIR/audit).
  std::string dir;
  // Public keys noted elsewhere; empty: those beside the log, which prove nothing against whoever
  // can write there.
  std::string key_file;
  std::string cosigned_file;  // verify: a checkpoint noted elsewhere
  std::string witness_key;    // verify: the witness that must have signed it, as text
  std::string actor;          // seen
  std::string from, to;       // seen: 2025-11-24, 2025-11-24T16:00:00Z, or milliseconds since 1970
  uint64_t index = 0;         // receipt
  std::string receipt_file;   // check-receipt
  std::string witness_url;    // cosign
  std::string out_file;       // cosign
};

Result<void> CommandAuditVerify(const AuditCommand& command);
Result<void> CommandAuditSeen(const AuditCommand& command);
Result<void> CommandAuditReceipt(const AuditCommand& command);
Result<void> CommandAuditCheckReceipt(const AuditCommand& command);
Result<void> CommandAuditErased(const AuditCommand& command);
// Asks a witness to sign the newest checkpoint, and keeps it.
Result<void> CommandAuditCosign(const AuditCommand& command);

struct WitnessCommand {
  std::string state_dir;  // its key and what it signed last
  std::string name;
  std::vector<std::string> log_key_files;  // one file of public keys a log
  std::string listen;                      // ADDR:PORT
  // A log to fetch and sign once: http(s)://host:port/path, or a directory.
  std::string log;
  bool once = false;
  std::string out_file;  // where the signed checkpoint goes; empty: printed
};
// Serves POST /add-checkpoint until SIGTERM, or with `log` fetches and signs once.
Result<void> CommandWitness(const WitnessCommand& command);

// A moment in one of the forms of AuditCommand::from, in milliseconds; kInvalid otherwise.
Result<int64_t> ParseMoment(const std::string& text);
// As entries have it: 2025-11-24T16:00:00.000Z.
std::string MomentText(int64_t ms);

}  // namespace bulkhead
