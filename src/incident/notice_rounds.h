// All sendings of notices and how far each has come, durable and encrypted: for each a sealed file
// ID.N, as it was planned, and beside it ID.N.notes, to which what becomes of a recipient is
// appended before the next mail leaves. So after a crash one mail at most goes out twice, and none
// is lost. Addresses leave the file once no mail waits for them, and those who are erased leave it
// at once. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"
#include "incident/notice_commitment.h"
#include "incident/notice_round.h"

namespace bulkhead {

// A mail that is to be sent now.
struct DueNotice {
  std::string incident;
  uint32_t round = 0;
  uint32_t recipient = 0;  // place in the round
  uint32_t code_key = 0;
  int64_t round_made_ms = 0;
  std::string address;
  TreeHash leaf{};
  Notice draft;  // with kNoticeCodePlace
};

struct RoundProgress {
  uint32_t number = 0, version = 0;
  int64_t made_ms = 0;
  uint64_t entry = 0;
  uint64_t recipients = 0, waiting = 0, told = 0, refused = 0, erased = 0;
  uint64_t without_address = 0, not_revealed = 0;
};

// Whom a mail went to, or will go to, or cannot go to.
struct CoveredRecipients {
  std::unordered_set<SubjectId, SubjectIdHash> subjects;
  std::set<TreeHash> leaves;
};

// What is known of one recipient.
struct FoundRecipient {
  uint32_t version = 0;
  uint64_t entry = 0;
  std::string organisation, vendor, happening;
  int32_t first_day = 0, last_day = 0;
  int64_t told_ms = 0;  // 0: not told yet
  std::vector<SubjectId> subjects;
  SentFields fields;
};

struct RecipientProof {
  uint32_t version = 0;
  uint64_t entry = 0;       // of the audit log, which has `root`
  uint64_t recipients = 0;  // leaves of the tree
  TreeHash root{}, leaf{};
  RecipientTree::Proof proof;
};

class NoticeRounds {
 public:
  // Makes `dir` if absent, wraps every file under the newest key, and takes addresses out of what
  // is over. `fs` and `keys` outlive it. kCorruption: a file is damaged; kUnavailable: the keys
  // lack the one that a file lies under.
  static Result<std::unique_ptr<NoticeRounds>> Open(FileSystem& fs, std::string dir,
                                                    const KeyRing& keys);
  NoticeRounds(const NoticeRounds&) = delete;
  NoticeRounds& operator=(const NoticeRounds&) = delete;

  // Those whom the relay refused count unless they are to be tried once more.
  [[nodiscard]] CoveredRecipients Covered(const std::string& incident, bool refused_too) const;
  [[nodiscard]] uint32_t NextNumber(const std::string& incident) const;
  // Durable when it returns; from then on it is sent. kInvalid: not the number that comes next.
  Result<void> Add(NoticeRound round);

  // The riskiest of the oldest sending that is due and not postponed.
  [[nodiscard]] std::optional<DueNotice> Next(int64_t now_ms);
  // Not before 5 seconds from now, twice as long each time; in memory only.
  void Postpone(const DueNotice& due, int64_t now_ms);
  // Durable when it returns. Nothing is done where the recipient was erased meanwhile.
  Result<void> Note(const DueNotice& due, RecipientState state, int code, int64_t now_ms);

  // Takes subjects out: nobody of them is mailed from here on, and no file holds them.
  Result<void> Forget(std::span<const SubjectId> subjects);

  [[nodiscard]] std::vector<RoundProgress> ProgressOf(const std::string& incident) const;
  // Pseudonyms whose mails the relay refused, with its reply's number.
  [[nodiscard]] std::vector<std::pair<SubjectId, int>> Refused(const std::string& incident) const;
  // Each incident and the keys that its codes are of.
  [[nodiscard]] std::set<std::pair<std::string, uint32_t>> CodeKeys() const;
  [[nodiscard]] std::optional<FoundRecipient> Find(const std::string& incident,
                                                   const TreeHash& leaf) const;
  // kNotFound: no such recipient.
  [[nodiscard]] Result<RecipientProof> Prove(const std::string& incident,
                                             const TreeHash& leaf) const;

 private:
  struct Sending {
    NoticeRound round;
    SecretBytes key;  // of the notes
    std::vector<RecipientNote> notes;
    uint64_t written = 0;  // notes in the file that are durable
    uint64_t waiting = 0;
    std::unique_ptr<AppendFile> file;
    size_t next = 0;                        // nobody before it waits without being postponed
    std::map<uint32_t, int64_t> postponed;  // until when
    std::map<uint32_t, uint32_t> attempts;  // of those
    [[nodiscard]] bool Waits(size_t recipient) const {
      return notes[recipient].state == RecipientState::kWaiting;
    }
  };

  NoticeRounds(FileSystem& fs, std::string dir, const KeyRing& keys)
      : fs_(fs), dir_(std::move(dir)), keys_(keys) {}
  [[nodiscard]] std::string PathOf(const NoticeRound& round) const;
  [[nodiscard]] std::string NotesPathOf(const NoticeRound& round) const;
  Result<void> Load(const std::string& name);
  Result<void> LoadNotes(Sending* sending);
  Result<void> OpenNotes(Sending* sending);
  Result<void> Write(const Sending& sending);
  Result<void> Append(Sending* sending, const RecipientNote& note);
  // Without addresses, where nobody waits any more.
  Result<void> Settle(Sending* sending);
  Result<void> ForgetIn(Sending* sending,
                        const std::unordered_set<SubjectId, SubjectIdHash>& subjects);
  [[nodiscard]] Sending* SendingOf(const DueNotice& due);

  FileSystem& fs_;
  const std::string dir_;
  const KeyRing& keys_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Sending>> sendings_;  // oldest first
};

}  // namespace bulkhead
