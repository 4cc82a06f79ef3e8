#include "main/audit_commands.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <optional>

#include "audit/audit_receipt.h"
#include "audit/audit_verify.h"
#include "audit/subject_sets.h"
#include "audit/witness.h"
#include "base/file_system.h"
#include "crypto/keys.h"
#include "main/audit_access.h"
#include "main/http_client.h"
#include "main/witness_exchange.h"

namespace bulkhead {
namespace {

// Where the log lies, and the keys that its checkpoints are checked with.
struct Place {
  std::string log_dir;
  LogKeys keys;
};

Result<Place> FindLog(const AuditCommand& command) {
  FileSystem& fs = RealFileSystem();
  const DataDirectory data(command.dir);
  Place place;
  place.log_dir = fs.Exists(data.path() + "/checkpoint") ? data.path() : data.Audit();
  Result<LogKeys> keys =
      LoadLogKeys(fs, command.key_file.empty() ? place.log_dir + "/audit.pub" : command.key_file);
  if (!keys) {
    return keys.error();
  }
  place.keys = *std::move(keys);
  return place;
}

Result<AuditReader> OpenReader(const Place& place) {
  return AuditReader::Open(FetchFromDirectory(RealFileSystem(), place.log_dir), place.keys);
}

Result<void> Write(const std::string& path, const std::string& text) {
  if (path.empty()) {
    fmt::print("{}", text);
    return {};
  }
  return RealFileSystem().WriteFileAtomically(path, text);
}

// The cosignature that must be there, and when it was made.
Result<uint64_t> CheckCosigned(const std::string& bytes, const std::string& witness_key) {
  const std::optional<NoteKey> key = NoteKey::Parse(witness_key);
  if (!key || key->kind != NoteKeyKind::kWitness) {
    return Error{ErrorCode::kInvalid, "--witness-key: not the public key of a witness"};
  }
  const std::optional<SignedNote> note = ParseNote(bytes);
  const std::optional<uint64_t> time_s = note ? CosignedAt(*note, *key) : std::nullopt;
  if (!time_s) {
    return Error{ErrorCode::kDenied, "the checkpoint is not signed by " + key->name};
  }
  return *time_s;
}

Result<AddCheckpoint> ProveFrom(AuditReader& reader, uint64_t old_size) {
  Result<std::vector<TreeHash>> proof = reader.ProveConsistency(old_size);
  if (!proof) {
    return proof.error();
  }
  return AddCheckpoint{old_size, *std::move(proof), reader.signed_checkpoint()};
}

Result<WitnessReply> PostCheckpoint(HttpClient& client, const std::string& body) {
  HttpCall call;
  call.target = "/add-checkpoint";
  call.content_type = "application/octet-stream";
  call.body = body;
  Result<HttpReply> reply = client.Call(call);
  return reply ? Result<WitnessReply>(WitnessReply{reply->status, std::move(reply->body)})
               : reply.error();
}

}  // namespace

std::string MomentText(int64_t ms) {
  AuditRecord record;  // an entry's time is written in one place only
  record.ts_ms = ms;
  const std::string text = WriteAuditRecord(record);
  const size_t at = text.find("\"ts\":\"") + 6;
  return text.substr(at, 24);
}

Result<int64_t> ParseMoment(const std::string& text) {
  if (const std::optional<uint64_t> ms = ParseDecimal(text); ms && *ms <= INT64_MAX) {
    return static_cast<int64_t>(*ms);
  }
  int year = 0, hour = 0, minute = 0, second = 0, used = 0;
  unsigned month = 0, day = 0;
  const bool has_date = std::sscanf(text.c_str(), "%4d-%2u-%2u%n", &year, &month, &day, &used) == 3;
  const bool is_date = has_date && used == 10 && text.size() == 10;
  const bool is_time =
      has_date && text.size() == 20 &&
      std::sscanf(text.c_str() + 10, "T%2d:%2d:%2dZ%n", &hour, &minute, &second, &used) == 3 &&
      used == 10;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if ((!is_date && !is_time) || !date.ok() || hour > 23 || minute > 59 || second > 59) {
    return Error{ErrorCode::kInvalid,
                 "a time is written 2025-11-24, 2025-11-24T16:00:00Z, or in milliseconds: " + text};
  }
  const auto time = std::chrono::sys_days(date) + std::chrono::hours(hour) +
                    std::chrono::minutes(minute) + std::chrono::seconds(second);
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

Result<void> CommandAuditVerify(const AuditCommand& command) {
  FileSystem& fs = RealFileSystem();
  const Result<Place> place = FindLog(command);
  if (!place) {
    return place.error();
  }
  VerifyAuditOptions options;
  if (!command.cosigned_file.empty()) {
    Result<std::string> noted = fs.ReadWhole(command.cosigned_file);
    if (!noted) {
      return noted.error();
    }
    options.noted_checkpoint = *std::move(noted);
  }
  std::string witnessed;
  if (!command.witness_key.empty()) {
    const Result<uint64_t> time_s = CheckCosigned(options.noted_checkpoint, command.witness_key);
    if (!time_s) {
      return time_s.error();
    }
    witnessed = ", signed by the witness at " + MomentText(static_cast<int64_t>(*time_s) * 1000);
  }
  // The sets beside the log open on the host that has the keys.
  const Result<AuditKeys> keys = LoadAuditKeys(fs, DataDirectory(command.dir).Keys());
  options.subjects_keys = keys ? &keys->payload_keys : nullptr;
  const Result<AuditLogReport> report = VerifyAuditLog(fs, place->log_dir, place->keys, options);
  if (!report) {
    return report.error();
  }
  fmt::print("{} entries of {} verify; root {}\n", report->checkpoint.size,
             report->checkpoint.origin, HashText(report->checkpoint.root));
  if (!command.cosigned_file.empty()) {
    fmt::print("they continue the checkpoint in {}{}\n", command.cosigned_file, witnessed);
  }
  if (keys) {
    fmt::print("{} sets of subjects verify, {} were thrown away\n", report->sets,
               report->missing_sets);
  } else {
    fmt::print("the sets of subjects were not looked at: {}\n", keys.error().message);
  }
  for (const std::string& stray : report->strays) {
    fmt::print("no part of the log: {}\n", stray);
  }
  return {};
}

Result<void> CommandAuditSeen(const AuditCommand& command) {
  FileSystem& fs = RealFileSystem();
  const Result<int64_t> from = ParseMoment(command.from);
  const Result<int64_t> to = from ? ParseMoment(command.to) : from;
  const Result<Place> place = to ? FindLog(command) : Result<Place>(to.error());
  if (!place) {
    return place.error();
  }
  const Result<AuditKeys> keys = LoadAuditKeys(fs, DataDirectory(command.dir).Keys());
  if (!keys) {
    return keys.error();
  }
  Result<AuditReader> reader = OpenReader(*place);
  if (!reader) {
    return reader.error();
  }
  const auto handles = SubjectHandles::Open(fs, place->log_dir + "/subjects", &keys->payload_keys);
  if (!handles) {
    return handles.error();
  }
  SubjectSetReader sets(fs, place->log_dir, &keys->payload_keys);
  const Result<SubjectsSeen> seen =
      ListSubjectsSeen(*reader, sets, **handles, {command.actor, *from, *to});
  if (!seen) {
    return seen.error();
  }
  for (const SubjectId& subject : seen->subjects) {
    fmt::print("{}\n", subject.ToHex());
  }
  fmt::print(stderr, "{} subjects in {} entries; {} more have been erased since\n",
             seen->subjects.size(), seen->entries, seen->forgotten);
  for (const uint64_t index : seen->without_set) {
    const Result<AuditRecord> record = reader->Record(index);
    fmt::print(stderr, "entry {} has no set: {}\n", index,
               record ? record->entry.scope : record.error().message);
  }
  return {};
}

Result<void> CommandAuditReceipt(const AuditCommand& command) {
  const Result<Place> place = FindLog(command);
  Result<AuditReader> reader = place ? OpenReader(*place) : Result<AuditReader>(place.error());
  if (!reader) {
    return reader.error();
  }
  const Result<std::string> receipt = reader->MakeReceipt(command.index);
  return receipt ? Write(command.out_file, *receipt) : receipt.error();
}

Result<void> CommandAuditCheckReceipt(const AuditCommand& command) {
  FileSystem& fs = RealFileSystem();
  const Result<LogKeys> keys = LoadLogKeys(fs, command.key_file);
  if (!keys) {
    return keys.error();
  }
  const Result<std::string> text = fs.ReadWhole(command.receipt_file);
  if (!text) {
    return text.error();
  }
  const Result<VerifiedReceipt> receipt = VerifyReceipt(*text, *keys);
  if (!receipt) {
    return receipt.error();
  }
  const AuditEntry& entry = receipt->record.entry;
  fmt::print("entry {} of {}: {} by {} at {}, {}\n", receipt->record.index,
             receipt->checkpoint.origin, entry.action, entry.actor,
             MomentText(receipt->record.ts_ms), entry.outcome);
  for (const SubjectId& subject : entry.subjects) {
    fmt::print("{}\n", subject.ToHex());
  }
  return {};
}

Result<void> CommandAuditErased(const AuditCommand& command) {
  const Result<Place> place = FindLog(command);
  Result<AuditReader> reader = place ? OpenReader(*place) : Result<AuditReader>(place.error());
  if (!reader) {
    return reader.error();
  }
  const Result<std::vector<ErasedSubjectEntry>> erased = reader->ListErased();
  if (!erased) {
    return erased.error();
  }
  for (const ErasedSubjectEntry& one : *erased) {
    fmt::print("{} {} {} {}\n", one.subject.ToHex(), one.project, one.index, MomentText(one.ts_ms));
  }
  return {};
}

Result<void> CommandAuditCosign(const AuditCommand& command) {
  const Result<Place> place = FindLog(command);
  Result<AuditReader> reader = place ? OpenReader(*place) : Result<AuditReader>(place.error());
  if (!reader) {
    return reader.error();
  }
  Result<std::unique_ptr<HttpClient>> client = HttpClient::Connect(command.witness_url);
  if (!client) {
    return client.error();
  }
  uint64_t known_size = 0;
  const Result<std::string> cosigned = SubmitToWitness(
      {.prove = [&](uint64_t old_size) { return ProveFrom(*reader, old_size); },
       .post = [&](const std::string& body) { return PostCheckpoint(**client, body); }},
      &known_size);
  if (!cosigned) {
    return cosigned.error();
  }
  if (const Result<uint64_t> checked = CheckCosigned(*cosigned, command.witness_key); !checked) {
    return checked.error();
  }
  return Write(command.out_file, *cosigned);
}

}  // namespace bulkhead
