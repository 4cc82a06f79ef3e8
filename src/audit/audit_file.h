// The record of who did what to whose data: an append-only file of canonical JSON lines, each of
// which holds the hash of the one before. docs/formats/audit.md draws a line. A caller appends
// first and acts after: where Append fails, the action must not happen.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "model/ids.h"

namespace bulkhead {

// Pseudonyms and counts only. Texts are at most limits of the format long, printable, and without
// '@', so that an address typed into a purpose is refused and not kept for ever.
struct AuditEntry {
  std::string actor;     // an account or an operating-system user, never empty
  std::string action;    // "reveal", "erase", "export", ...; never empty
  uint32_t project = 0;  // 0: no project
  std::string purpose;
  std::string scope;  // which rows: dates, page
  std::vector<SubjectId> subjects;
  uint64_t count = 0;   // of subjects, rows or fields that the action concerns
  std::string outcome;  // "allowed", "denied", "failed", ...
};

struct AuditState {
  uint64_t lines = 0;  // good ones, in the chain
  uint64_t torn_lines =
      0;  // ends of writes that a crash cut off, each owned up to by the line behind it
  uint64_t torn_tail_bytes =
      0;             // the same at the end of the file, where nothing has been appended since
  std::string head;  // hash of the last line, 64 hexadecimal digits; zeros for an empty file
};

// The state of the chain, or kCorruption whose message names the first bad line ("line 17: ..."). A
// file cut off at a line's end verifies: compare `lines` and `head` with values noted elsewhere to
// see that.
Result<AuditState> VerifyAuditFile(FileSystem& fs, const std::string& path);

// Thread-safe. Several processes may append to one file: a lock file beside it orders them.
class AuditFile {
 public:
  // Verifies the whole file first and refuses one that does not verify. A torn last line stays as
  // it is: the first Append ends it and puts a line behind it that says how many bytes were torn
  // and their hash.
  static Result<std::unique_ptr<AuditFile>> Open(FileSystem& fs, std::string path,
                                                 const Clock& clock = SystemClock());
  ~AuditFile();
  AuditFile(const AuditFile&) = delete;
  AuditFile& operator=(const AuditFile&) = delete;

  // Returns after fdatasync. kInvalid: the entry breaks a rule above. After a failed sync
  // everything is refused until the file is opened again, since what is on disk is not known.
  Result<void> Append(const AuditEntry& entry);

  [[nodiscard]] AuditState state() const;

 private:
  AuditFile(FileSystem& fs, std::string path, const Clock& clock);
  Result<void> CatchUp();
  Result<void> WriteLine(const AuditEntry& entry);

  FileSystem& fs_;
  const std::string path_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::unique_ptr<AppendFile> file_;
  AuditState state_;
  uint64_t size_ = 0;  // bytes that state_ covers, without a torn tail
  std::string torn_;   // the torn tail
  bool failed_ = false;
};

}  // namespace bulkhead
