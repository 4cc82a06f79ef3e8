// Reads an audit log as one of its checkpoints has it, without its signing key: entries, searches
// by time, proofs, receipts. Verifying everything is audit/audit_verify.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/audit_entry.h"
#include "audit/signed_note.h"
#include "audit/subject_handles.h"
#include "audit/tile_reader.h"
#include "base/file_system.h"
#include "base/result.h"

namespace bulkhead {

class SubjectSetReader;

struct ErasedSubjectEntry {
  SubjectId subject;
  uint32_t project = 0;
  uint64_t index = 0;  // of the entry that says so
  int64_t ts_ms = 0;
  std::string scope;  // the entry's
};

// Not thread-safe: it keeps the last tiles that it read.
class AuditReader {
 public:
  // The log's newest checkpoint. kDenied, kCorruption: not signed by `log`, or no checkpoint.
  static Result<AuditReader> Open(FileFetch fetch, const LogKeys& log);
  // As an older checkpoint of it has it; nothing is checked but the signature.
  static Result<AuditReader> OpenAt(FileFetch fetch, const LogKeys& log, std::string checkpoint);

  [[nodiscard]] const Checkpoint& checkpoint() const { return checkpoint_; }
  [[nodiscard]] const std::string& signed_checkpoint() const { return signed_checkpoint_; }
  [[nodiscard]] uint64_t size() const { return checkpoint_.size; }

  Result<AuditRecord> Record(uint64_t index);
  // Every entry's bytes in [begin, end), until `take` gives false.
  using TakeEntry = std::function<Result<bool>(uint64_t index, std::string_view entry)>;
  Result<void> ForEach(uint64_t begin, uint64_t end, const TakeEntry& take);
  // The entries whose bytes begin so, as records, in their order.
  using TakeRecord = std::function<void(AuditRecord record)>;
  Result<void> ForEachRecord(std::string_view prefix, const TakeRecord& take);
  // The first entry not before this time, or size(). Times never go backwards in a log.
  Result<uint64_t> FirstAtOrAfter(int64_t ts_ms);

  // The tree of the first `size` entries.
  Result<TreeHash> RootAt(uint64_t size);
  Result<std::vector<TreeHash>> ProveConsistency(uint64_t old_size);

  // What a third party needs to see that an entry is in the log: audit/audit_receipt.h checks it.
  Result<std::string> MakeReceipt(uint64_t index);

  // Subjects that were erased (action "erase", outcome "done"), in the order of their erasure. A
  // restored backup must erase them again.
  Result<std::vector<ErasedSubjectEntry>> ListErased();
  // The exports that were vetoed.
  Result<std::vector<std::string>> ListVetoed();

 private:
  AuditReader(FileFetch fetch, Checkpoint checkpoint, std::string signed_checkpoint);

  Checkpoint checkpoint_;
  std::string signed_checkpoint_;
  TileReader tiles_;
};

struct SubjectsSeen {
  std::vector<SubjectId> subjects;  // sorted, each once
  uint64_t forgotten = 0;           // handles of subjects that have been erased since
  uint64_t entries = 0;             // that showed any
  // Entries whose scope says whom they concern, and entries whose set was thrown away.
  std::vector<uint64_t> without_set;
};
struct SeenQuery {
  std::string actor;
  int64_t from_ms = 0;  // inclusive
  int64_t to_ms = 0;    // exclusive
};
// Which subjects this account was shown, from the sets beside the log; denials and erasures showed
// nobody. Every set is checked against its entry.
Result<SubjectsSeen> ListSubjectsSeen(AuditReader& log, SubjectSetReader& sets,
                                      const SubjectHandles& handles, const SeenQuery& query);

}  // namespace bulkhead
