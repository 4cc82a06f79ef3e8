// The record of who did what to whose data, as a transparency log: a hash tree in tiles (C2SP's
// tlog-tiles) under signed checkpoints. docs/formats/audit.md draws every file. A caller appends
// first and acts after: where Append fails, the action must not happen.
//
// What is durable before what: an entry's subjects, then the entry and its tiles, then the
// checkpoint that commits to it; only then Append returns. A signature is made only for a tree that
// is already on disk, and a start takes up the newest checkpoint that was ever signed there, so
// that no two signed checkpoints contradict each other. What is on disk and not signed is dropped:
// nobody without the key can put an entry into the log.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/audit_entry.h"
#include "audit/audit_reader.h"
#include "audit/signed_note.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"

namespace bulkhead {

struct AuditLogOptions {
  // Of a log that is made: the first line of each checkpoint and the name of its keys, for ever.
  // Empty: made from the newest key. A log that is there keeps its own.
  std::string origin;
  KeyRing
      signing_seeds;  // Ed25519; every one of them signs, so that an older one vouches for newer
  KeyRing subjects_keys;  // for the sets of subjects beside the log
  const Clock* clock = &SystemClock();
  // Called with each checkpoint once it is durable, from the thread of one of its appends, one call
  // at a time: for whoever notes it elsewhere.
  std::function<void(const std::string& signed_checkpoint)> published;
};

struct AuditReceipt {
  uint64_t index = 0;      // of the entry
  uint64_t tree_size = 0;  // of the checkpoint that commits to it
  int64_t ts_ms = 0;       // as it stands in the entry
};

// Thread-safe: entries that arrive together share the syncs and the checkpoint. Several processes
// may append to one log, one at a time; but only one of them may keep budgets.
class AuditLog {
 public:
  // Makes the log where there is none. Reads the checkpoint, the last entries and the tiles on the
  // tree's right edge, and refuses (kCorruption) what does not fit together; VerifyAuditLog reads
  // everything.
  static Result<std::unique_ptr<AuditLog>> Open(FileSystem& fs, std::string dir,
                                                AuditLogOptions options);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // kInvalid: the entry breaks a rule of audit/audit_entry.h. Anything else: it could not be made
  // durable; it may or may not be in the log, and what it stands for must not happen. The next
  // append finds out what is on disk first.
  Result<AuditReceipt> Append(const AuditEntry& entry);

  // The public keys of its checkpoints.
  [[nodiscard]] const LogKeys& keys() const;
  // The newest durable one.
  [[nodiscard]] std::string signed_checkpoint() const;
  [[nodiscard]] uint64_t size() const;
  // A reader of the log as that checkpoint has it.
  [[nodiscard]] Result<AuditReader> Read() const;

  // Whether this log contains everything that a checkpoint noted elsewhere commits to; kCorruption
  // where it does not: an older copy was put back, or another history was written.
  [[nodiscard]] Result<void> CheckNotBehind(std::string_view noted_checkpoint) const;

  [[nodiscard]] Result<SubjectsSeen> ListSubjectsSeen(const SeenQuery& query) const;

  // The handles of these subjects in the sets beside the log, made where there are none.
  std::vector<SubjectHandle> HandlesOf(std::span<const SubjectId> subjects);
  std::vector<std::optional<SubjectHandle>> KnownHandlesOf(
      std::span<const SubjectId> subjects) const;
  // The set of an entry, as handles.
  [[nodiscard]] Result<std::vector<SubjectHandle>> SetOf(const AuditRecord& record) const;
  // Whose handles these are, which are sorted, each once.
  [[nodiscard]] SubjectHandles::Resolved Resolve(std::span<const SubjectHandle> handles) const;
  // Brings the sets beside the log under the newest key, while entries go on being appended: when
  // it returns, nothing needs the older ones any more. The number of files that were written.
  Result<uint64_t> RewrapSets();

  // Makes all sets silent about these subjects; the log's own bytes do not change.
  Result<void> ForgetSubjects(std::span<const SubjectId> subjects);

 private:
  class Impl;
  explicit AuditLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulkhead
