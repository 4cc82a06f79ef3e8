// What the audit compartment does for witnesses, which it cannot reach itself: it proves that the
// log continues what they signed, and keeps what they sign. Cosigned checkpoints lie in
// audit/cosigned/, one for each witness, named by its key's id (docs/formats/audit-witness.md).
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "audit/audit_log.h"
#include "audit/signed_note.h"
#include "audit/witness.h"
#include "base/file_system.h"
#include "base/result.h"

namespace bulkhead {

// Where the cosigned checkpoint of a witness lies, relative to the log.
std::string CosignedName(const NoteKey& witness);

// Thread-safe.
class WitnessRecord {
 public:
  // `keys`: public keys of the witnesses whose signatures are kept, and of no others. kInvalid: one
  // of them is not a witness's key.
  static Result<std::unique_ptr<WitnessRecord>> Make(FileSystem* fs, std::string log_dir,
                                                     const AuditLog* log,
                                                     const std::vector<std::string>& keys);

  // The newest checkpoint with its proof. kInvalid: the log has not `old_size` entries.
  Result<AddCheckpoint> Prove(uint64_t old_size) const;
  // A checkpoint of this log, cosigned by one of the witnesses. kDenied: it is not. One that is not
  // newer than what is kept changes nothing.
  Result<void> Keep(std::string_view cosigned);

 private:
  WitnessRecord(FileSystem* fs, std::string log_dir, const AuditLog* log)
      : fs_(fs), log_dir_(std::move(log_dir)), log_(log) {}
  [[nodiscard]] Result<void> KeepFor(const NoteKey& witness, std::string_view cosigned,
                                     uint64_t size) const;

  FileSystem* fs_;
  std::string log_dir_;
  const AuditLog* log_;
  std::vector<NoteKey> keys_;
  std::mutex keeping_;
};

}  // namespace bulkhead
