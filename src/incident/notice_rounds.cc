#include "incident/notice_rounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "crypto/sealed_file.h"
#include "incident/incident_record.h"

namespace bulkhead {
namespace {

constexpr std::string_view kMagic = "BHNOTI01";
constexpr std::string_view kNotesEnding = ".notes";
constexpr int64_t kFirstPostponeMs = 5000;
constexpr uint32_t kMostDoublings = 9;  // three quarters of an hour
constexpr size_t kBoxBytes = RecipientNote::kBytes + kAeadOverheadBytes;

// "ID.N", else nothing: what a crash left half written has another name.
bool IsRoundName(std::string_view name) {
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos || !IsIncidentId(name.substr(0, dot))) return false;
  uint32_t number = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, fault] = std::from_chars(name.data() + dot + 1, end, number);
  return fault == std::errc() && stop == end && number != 0;
}

std::string NameOf(const NoticeRound& round) {
  return fmt::format("{}.{}", round.incident, round.number);
}

// A note is bound to its file by the key and to its place by this.
std::string PlaceOf(uint64_t place) { return fmt::format("bulkhead notice note {}", place); }

void DropAddress(NoticeRecipient* recipient) {
  Wipe(&recipient->address);
  recipient->address.shrink_to_fit();
}

}  // namespace

std::string NoticeRounds::PathOf(const NoticeRound& round) const {
  return dir_ + "/" + NameOf(round);
}

std::string NoticeRounds::NotesPathOf(const NoticeRound& round) const {
  return PathOf(round) + std::string(kNotesEnding);
}

Result<std::unique_ptr<NoticeRounds>> NoticeRounds::Open(FileSystem& fs, std::string dir,
                                                         const KeyRing& keys) {
  if (Result<void> made = fs.CreateDirs(dir); !made) {
    return made.error();
  }
  std::unique_ptr<NoticeRounds> rounds(new NoticeRounds(fs, std::move(dir), keys));
  const Result<std::vector<std::string>> names = fs.List(rounds->dir_);
  if (!names) {
    return names.error();
  }
  for (const std::string& name : *names) {
    if (!IsRoundName(name)) continue;
    if (Result<void> loaded = rounds->Load(name); !loaded) {
      return loaded.error();
    }
  }
  std::ranges::sort(rounds->sendings_, [](const auto& a, const auto& b) {
    return std::pair(a->round.made_ms, a->round.number) <
           std::pair(b->round.made_ms, b->round.number);
  });
  return rounds;
}

Result<void> NoticeRounds::Load(const std::string& name) {
  const std::string path = dir_ + "/" + name;
  const Result<std::string> bytes = fs_.ReadWhole(path);
  if (!bytes) {
    return bytes.error();
  }
  Result<SealedFile> file = DecryptFile(keys_, {kMagic, name}, *bytes);
  if (!file) {
    return file.error().code == ErrorCode::kDenied
               ? Error{ErrorCode::kUnavailable, path + " lies under a vendor key that was retired"}
               : Error{file.error().code, path + ": " + file.error().message};
  }
  Result<NoticeRound> round = DecodeNoticeRound(file->body);
  Wipe(&file->body);
  if (!round || NameOf(*round) != name || file->secrets.size() != kKeyBytes) {
    return Error{ErrorCode::kCorruption, path + " is damaged"};
  }
  auto sending = std::make_unique<Sending>();
  sending->round = *std::move(round);
  sending->key = std::move(file->secrets);
  if (Result<void> loaded = LoadNotes(sending.get()); !loaded) {
    return loaded;
  }
  Result<void> done = Settle(sending.get());
  if (done && file->ring_key != keys_.newest().id) {
    done = Write(*sending);
  }
  sendings_.push_back(std::move(sending));
  return done;
}

// What a crash cut off at the end was not there.
Result<void> NoticeRounds::LoadNotes(Sending* sending) {
  sending->notes.assign(sending->round.recipients.size(), {});
  sending->written = 0;
  const std::string path = NotesPathOf(sending->round);
  const Result<std::string> bytes =
      fs_.Exists(path) ? fs_.ReadWhole(path) : Result<std::string>(std::string());
  if (!bytes) {
    return bytes.error();
  }
  const uint64_t whole = bytes->size() / kBoxBytes;
  for (; sending->written < whole; ++sending->written) {
    const std::string_view box =
        std::string_view(*bytes).substr(sending->written * kBoxBytes, kBoxBytes);
    const Result<SecretBytes> opened = AeadDecrypt(sending->key, box, PlaceOf(sending->written));
    const Result<RecipientNote> note =
        opened ? DecodeRecipientNote(opened->view()) : Result<RecipientNote>(opened.error());
    if (!note || note->recipient >= sending->notes.size()) {
      // A machine that lost power may leave a last record of the right size with nothing in it.
      if (sending->written + 1 == whole) break;
      return Error{ErrorCode::kCorruption, path + " is damaged"};
    }
    sending->notes[note->recipient] = *note;
  }
  sending->waiting = 0;
  for (size_t i = 0; i < sending->notes.size(); ++i) {
    if (sending->Waits(i) && sending->round.recipients[i].subjects.empty()) {
      sending->notes[i].state = RecipientState::kErased;
    }
    sending->waiting += sending->Waits(i) ? 1 : 0;
  }
  return OpenNotes(sending);
}

// What may lie behind the notes that are known to be durable goes: after a failed sync, bytes that
// can be read may still be lost.
Result<void> NoticeRounds::OpenNotes(Sending* sending) {
  Result<std::unique_ptr<AppendFile>> file = fs_.OpenAppend(NotesPathOf(sending->round));
  if (!file) {
    return file.error();
  }
  Result<void> done = (*file)->Truncate(sending->written * kBoxBytes);
  if (done) {
    done = fs_.SyncDir(dir_);
  }
  if (done) {
    sending->file = *std::move(file);
  }
  return done;
}

Result<void> NoticeRounds::Write(const Sending& sending) {
  std::string body = EncodeNoticeRound(sending.round);
  const std::string file = EncryptFile(keys_, {kMagic, NameOf(sending.round)}, sending.key, body);
  Wipe(&body);
  return fs_.WriteFileAtomically(PathOf(sending.round), file);
}

Result<void> NoticeRounds::Append(Sending* sending, const RecipientNote& note) {
  if (sending->file == nullptr) {  // the last one failed
    if (Result<void> opened = OpenNotes(sending); !opened) {
      return opened;
    }
  }
  Result<void> done = sending->file->Append(
      AeadEncrypt(sending->key, EncodeRecipientNote(note), PlaceOf(sending->written)));
  if (done) {
    done = sending->file->Sync();
  }
  if (!done) {
    sending->file.reset();
    return done;
  }
  ++sending->written;
  sending->waiting -= sending->Waits(note.recipient) ? 1 : 0;
  sending->notes[note.recipient] = note;
  return {};
}

Result<void> NoticeRounds::Settle(Sending* sending) {
  const auto has_address = [](const NoticeRecipient& one) { return !one.address.empty(); };
  if (sending->waiting != 0 || std::ranges::none_of(sending->round.recipients, has_address)) {
    return {};
  }
  for (NoticeRecipient& recipient : sending->round.recipients) DropAddress(&recipient);
  return Write(*sending);
}

CoveredRecipients NoticeRounds::Covered(const std::string& incident, bool refused_too) const {
  const std::lock_guard lock(mutex_);
  CoveredRecipients covered;
  for (const auto& sending : sendings_) {
    if (sending->round.incident != incident) continue;
    for (size_t i = 0; i < sending->notes.size(); ++i) {
      if (!refused_too && sending->notes[i].state == RecipientState::kRefused) continue;
      const NoticeRecipient& recipient = sending->round.recipients[i];
      covered.subjects.insert(recipient.subjects.begin(), recipient.subjects.end());
      covered.leaves.insert(recipient.leaf);
    }
  }
  return covered;
}

uint32_t NoticeRounds::NextNumber(const std::string& incident) const {
  const std::lock_guard lock(mutex_);
  return 1 + static_cast<uint32_t>(std::ranges::count_if(
                 sendings_, [&](const auto& one) { return one->round.incident == incident; }));
}

Result<void> NoticeRounds::Add(NoticeRound round) {
  if (round.number != NextNumber(round.incident)) {
    return Error{ErrorCode::kInvalid, "another sending was begun meanwhile"};
  }
  auto sending = std::make_unique<Sending>();
  sending->round = std::move(round);
  sending->key = RandomSecret(kKeyBytes);
  const std::string notes = NotesPathOf(sending->round);
  // Of a sending that was never written down whole: another key.
  if (fs_.Exists(notes)) {
    if (Result<void> removed = fs_.Remove(notes); !removed) {
      return removed;
    }
  }
  Result<void> done = LoadNotes(sending.get());
  if (done) {
    done = Write(*sending);
  }
  if (done) {
    const std::lock_guard lock(mutex_);
    sendings_.push_back(std::move(sending));
  }
  return done;
}

std::optional<DueNotice> NoticeRounds::Next(int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  for (const auto& sending : sendings_) {
    const size_t size = sending->notes.size();
    while (sending->next < size &&
           (!sending->Waits(sending->next) ||
            sending->postponed.contains(static_cast<uint32_t>(sending->next)))) {
      ++sending->next;
    }
    size_t place = sending->next;
    for (const auto& [recipient, until_ms] : sending->postponed) {
      if (until_ms <= now_ms && recipient < place) {
        place = recipient;
        break;
      }
    }
    if (place == size) continue;
    const NoticeRound& round = sending->round;
    const NoticeRecipient& recipient = round.recipients[place];
    return DueNotice{round.incident, round.number,  static_cast<uint32_t>(place),
                     round.code_key, round.made_ms, recipient.address,
                     recipient.leaf, round.draft};
  }
  return std::nullopt;
}

NoticeRounds::Sending* NoticeRounds::SendingOf(const DueNotice& due) {
  const auto found = std::ranges::find_if(sendings_, [&](const auto& one) {
    return one->round.incident == due.incident && one->round.number == due.round;
  });
  return found == sendings_.end() || due.recipient >= (*found)->notes.size() ? nullptr
                                                                             : found->get();
}

void NoticeRounds::Postpone(const DueNotice& due, int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  Sending* sending = SendingOf(due);
  if (sending == nullptr || !sending->Waits(due.recipient)) return;
  const uint32_t before = std::min(sending->attempts[due.recipient]++, kMostDoublings);
  sending->postponed[due.recipient] = now_ms + (kFirstPostponeMs << before);
}

Result<void> NoticeRounds::Note(const DueNotice& due, RecipientState state, int code,
                                int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  Sending* sending = SendingOf(due);
  if (sending == nullptr || !sending->Waits(due.recipient)) return {};
  const RecipientNote note{due.recipient, state, static_cast<uint16_t>(code), now_ms};
  if (Result<void> appended = Append(sending, note); !appended) {
    return appended;
  }
  sending->postponed.erase(due.recipient);
  sending->attempts.erase(due.recipient);
  return Settle(sending);
}

Result<void> NoticeRounds::Forget(std::span<const SubjectId> subjects) {
  const std::unordered_set<SubjectId, SubjectIdHash> all(subjects.begin(), subjects.end());
  const std::lock_guard lock(mutex_);
  for (const auto& sending : sendings_) {
    if (Result<void> forgotten = ForgetIn(sending.get(), all); !forgotten) {
      return forgotten;
    }
  }
  return {};
}

Result<void> NoticeRounds::ForgetIn(Sending* sending,
                                    const std::unordered_set<SubjectId, SubjectIdHash>& subjects) {
  bool changed = false;
  for (size_t i = 0; i < sending->notes.size(); ++i) {
    NoticeRecipient& recipient = sending->round.recipients[i];
    if (std::erase_if(recipient.subjects,
                      [&](const SubjectId& one) { return subjects.contains(one); }) == 0) {
      continue;
    }
    changed = true;
    if (!recipient.subjects.empty()) continue;  // somebody else has the address, too
    DropAddress(&recipient);
    recipient.fields.clear();
    if (sending->Waits(i)) {
      sending->notes[i].state = RecipientState::kErased;
      --sending->waiting;
      sending->postponed.erase(static_cast<uint32_t>(i));
    }
  }
  return changed ? Write(*sending) : Result<void>();
}

std::vector<RoundProgress> NoticeRounds::ProgressOf(const std::string& incident) const {
  const std::lock_guard lock(mutex_);
  std::vector<RoundProgress> all;
  for (const auto& sending : sendings_) {
    const NoticeRound& round = sending->round;
    if (round.incident != incident) continue;
    RoundProgress one{round.number,
                      round.version,
                      round.made_ms,
                      round.entry,
                      sending->notes.size(),
                      0,
                      0,
                      0,
                      0,
                      round.without_address,
                      round.not_revealed};
    for (const RecipientNote& note : sending->notes) {
      one.waiting += note.state == RecipientState::kWaiting ? 1 : 0;
      one.told += note.state == RecipientState::kTold ? 1 : 0;
      one.refused += note.state == RecipientState::kRefused ? 1 : 0;
      one.erased += note.state == RecipientState::kErased ? 1 : 0;
    }
    all.push_back(one);
  }
  return all;
}

std::vector<std::pair<SubjectId, int>> NoticeRounds::Refused(const std::string& incident) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<SubjectId, int>> refused;
  for (const auto& sending : sendings_) {
    if (sending->round.incident != incident) continue;
    for (size_t i = 0; i < sending->notes.size(); ++i) {
      if (sending->notes[i].state != RecipientState::kRefused) continue;
      for (const SubjectId& subject : sending->round.recipients[i].subjects) {
        refused.emplace_back(subject, sending->notes[i].code);
      }
    }
  }
  return refused;
}

std::set<std::pair<std::string, uint32_t>> NoticeRounds::CodeKeys() const {
  const std::lock_guard lock(mutex_);
  std::set<std::pair<std::string, uint32_t>> keys;
  for (const auto& sending : sendings_) {
    keys.emplace(sending->round.incident, sending->round.code_key);
  }
  return keys;
}

std::optional<FoundRecipient> NoticeRounds::Find(const std::string& incident,
                                                 const TreeHash& leaf) const {
  const std::lock_guard lock(mutex_);
  std::optional<FoundRecipient> known;
  for (const auto& sending : sendings_) {
    const NoticeRound& round = sending->round;
    if (round.incident != incident) continue;
    const auto found = std::ranges::find(round.recipients, leaf, &NoticeRecipient::leaf);
    if (found == round.recipients.end()) continue;
    const RecipientNote& note =
        sending->notes[static_cast<size_t>(found - round.recipients.begin())];
    FoundRecipient& one = known.emplace();
    one.version = round.version;
    one.entry = round.entry;
    one.organisation = round.organisation;
    one.vendor = round.vendor;
    one.happening = round.happening;
    one.first_day = round.first_day;
    one.last_day = round.last_day;
    one.told_ms = note.state == RecipientState::kTold ? note.at_ms : 0;
    one.subjects = found->subjects;
    for (const uint32_t field : found->fields) one.fields.push_back(round.fields[field]);
    if (one.told_ms != 0) break;  // else a later sending may have told them
  }
  return known;
}

Result<RecipientProof> NoticeRounds::Prove(const std::string& incident,
                                           const TreeHash& leaf) const {
  const std::lock_guard lock(mutex_);
  for (const auto& sending : sendings_) {
    if (sending->round.incident != incident) continue;
    std::vector<TreeHash> leaves;
    for (const NoticeRecipient& one : sending->round.recipients) leaves.push_back(one.leaf);
    if (std::ranges::find(leaves, leaf) == leaves.end()) continue;
    const RecipientTree tree(std::move(leaves));
    Result<RecipientTree::Proof> proof = tree.Prove(leaf);
    if (!proof) {
      return proof.error();
    }
    return RecipientProof{
        sending->round.version, sending->round.entry, tree.size(), tree.root(), leaf,
        *std::move(proof)};
  }
  return Error{ErrorCode::kNotFound, "nobody with that address is among those who are told"};
}

}  // namespace bulkhead
