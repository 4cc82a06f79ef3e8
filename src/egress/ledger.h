// What each vendor was sent: for each vendor, epoch and day, which subject, and which fields in
// which form. Nothing is sent before it stands here; so the ledger may tell of more than was sent
// (a crash after the entry and before the send), never of less. docs/formats/ledger.md draws the
// files. All are encrypted; a directory without the keys shows sizes.
//
// Sends are journalled, durable one batch at a time, and folded behind into compact immutable
// files, one for each vendor, epoch and day. Thread-safe. `fs` and the keys outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"
#include "model/ids.h"
#include "model/vendor_policy.h"

namespace bulkhead {

struct SentField {
  std::string name;
  FieldForm form = FieldForm::kPlain;
  friend auto operator<=>(const SentField&, const SentField&) = default;
};
using SentFields = std::vector<SentField>;  // sorted, each once

struct LedgerSend {
  SubjectId subject;    // our own pseudonym, not the vendor's id; nobody is counted as such
  uint32_t fields = 0;  // place in LedgerBatch::field_sets
};

struct LedgerBatch {
  std::string vendor;  // 1 to 255 bytes
  uint32_t epoch = 0;
  int32_t day = 0;  // of the send, UTC, since 1970; up to the year 9999
  // Of this vendor, growing, from 1. A batch up to the last that was recorded is not recorded
  // again.
  uint64_t sequence = 0;
  std::vector<SentFields> field_sets;
  std::vector<LedgerSend> sends;
};

struct LedgerWindow {
  std::string vendor;
  std::optional<uint32_t> epoch;        // nothing: all
  int32_t first_day = 0, last_day = 0;  // both belong to it
};

struct ExposedField {
  SentField field;
  uint64_t subjects = 0;  // exact
  uint64_t sends = 0;
  int32_t first_day = 0, last_day = 0;
};

struct Exposure {
  uint64_t subjects = 0;             // exact, nobody not counted
  uint64_t sends = 0;                // those of nobody, too
  std::vector<ExposedField> fields;  // sorted
  std::vector<std::pair<uint32_t, uint64_t>> sends_of_epoch;
};

struct LedgerStats {
  uint64_t sends = 0;
  uint64_t file_bytes = 0;     // of the folded files
  uint64_t journal_bytes = 0;  // not folded yet
};

class Ledger {
 public:
  struct Options {
    // So many journalled, and they are folded, by the caller of Record that comes next. A batch
    // counts as 16 more. If that fails, it is tried again after as many more, or by Fold.
    uint64_t fold_after_sends = 1'000'000;
  };
  // Makes `dir` if absent; finishes or forgets what a crash cut off. One ledger per directory: the
  // caller holds the lock on the data directory. kCorruption: a file that is needed at once is
  // damaged or missing; nothing is changed then. kDenied: the keys lack the one that is needed.
  static Result<std::unique_ptr<Ledger>> Open(FileSystem& fs, const std::string& dir,
                                              const KeyRing& keys, const Options& options);
  virtual ~Ledger() = default;
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Durable when it returns; an error means that nothing may be sent. What failed may be recorded
  // again, with the same sequence number; after opening anew, LastSequence says whether it is there
  // all the same. kInvalid: no such batch can be (32 MiB encoded are the most).
  virtual Result<void> Record(const LedgerBatch& batch) = 0;
  // Of this vendor; 0: none yet.
  [[nodiscard]] virtual uint64_t LastSequence(std::string_view vendor) const = 0;
  virtual Result<void> Fold() = 0;

  [[nodiscard]] virtual Result<Exposure> Ask(const LedgerWindow& window) const = 0;
  // Each subject once, in order, with all the fields that were sent of them in the window; nobody
  // not among them. Stops where `each` answers false. Recording and folding go on meanwhile.
  using EachSubject = std::function<bool(const SubjectId&, const SentFields&)>;
  [[nodiscard]] virtual Result<void> ForEachSubject(const LedgerWindow& window,
                                                    const EachSubject& each) const = 0;
  // Quickly, every subject that was ever sent to a vendor, in one epoch or in all: in no order,
  // more than once where it is in several epochs or not folded yet, with nobody in between.
  using EachBlock = std::function<void(std::span<const SubjectId>)>;
  [[nodiscard]] virtual Result<void> ScanSubjects(std::string_view vendor,
                                                  std::optional<uint32_t> epoch,
                                                  const EachBlock& each) const = 0;
  // The vendors and epochs there are.
  [[nodiscard]] virtual std::vector<std::pair<std::string, uint32_t>> Epochs() const = 0;
  // The day of the first send of that epoch; nothing: there is none.
  [[nodiscard]] virtual std::optional<int32_t> FirstDay(const std::string& vendor,
                                                        uint32_t epoch) const = 0;

  // Takes subjects out of all files, journals too (erasure); their sends stay counted, as nobody's.
  // When it returns, no file holds them. After an error it is to be called again.
  virtual Result<void> Forget(std::span<const SubjectId> subjects) = 0;

  // A text that says exactly what the ledger holds of a vendor: each file's day, epoch, sends,
  // subjects and SHA-256, and how many sends are not folded yet (none after Fold). What is signed;
  // the same text as long as nothing of this vendor's changes. Reads and checks every file.
  [[nodiscard]] virtual Result<std::string> Statement(std::string_view vendor) const = 0;
  // Wraps the keys of all files under the newest of these, which outlive the ledger; the old ones
  // are not needed afterwards. Files and statements stay the same.
  virtual Result<void> UseKeys(const KeyRing& keys) = 0;
  [[nodiscard]] virtual LedgerStats stats() const = 0;

 protected:
  Ledger() = default;
};

}  // namespace bulkhead
