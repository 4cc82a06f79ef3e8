#include "audit/witness.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxProofHashes = 63;

std::string_view View(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

WitnessAnswer Refusal(int status, const std::string& why) {
  return {status, "text/plain; charset=utf-8", why + "\n"};
}

WitnessAnswer StaleSize(uint64_t size) {
  return {409, "text/x.tlog.size", std::to_string(size) + "\n"};
}

// The origin line, without checking anything.
std::string OriginLine(const SignedNote& note) { return note.text.substr(0, note.text.find('\n')); }

}  // namespace

std::string WriteAddCheckpoint(const AddCheckpoint& request) {
  std::string body = "old " + std::to_string(request.old_size) + "\n";
  for (const TreeHash& hash : request.proof) {
    body += HashText(hash) + "\n";
  }
  return body + "\n" + request.signed_checkpoint;
}

std::optional<AddCheckpoint> ParseAddCheckpoint(std::string_view body) {
  constexpr std::string_view kOld = "old ";
  AddCheckpoint request;
  const size_t first = body.find('\n');
  if (body.size() > kMaxAddCheckpointBytes || first == std::string_view::npos ||
      !body.starts_with(kOld)) {
    return std::nullopt;
  }
  const std::optional<uint64_t> old_size =
      ParseDecimal(body.substr(kOld.size(), first - kOld.size()));
  if (!old_size) {
    return std::nullopt;
  }
  request.old_size = *old_size;
  body.remove_prefix(first + 1);
  for (;;) {
    const size_t end = body.find('\n');
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(end + 1);
    if (line.empty()) {
      break;
    }
    const std::optional<TreeHash> hash = ParseHash(line);
    if (!hash || request.proof.size() == kMaxProofHashes) {
      return std::nullopt;
    }
    request.proof.push_back(*hash);
  }
  request.signed_checkpoint = body;
  return request;
}

Witness::Witness(FileSystem& fs, std::string dir, WitnessOptions options)
    : fs_(fs), dir_(std::move(dir)), clock_(*options.clock), signing_key_(options.signing_seed) {
  const PublicKey& key = signing_key_.public_key();
  const std::string name = options.name.empty()
                               ? "bulkhead.witness/" + HexEncode(Sha256(View(key))).substr(0, 16)
                               : options.name;
  key_ = {NoteKeyKind::kWitness, name, key};
  for (LogKeys& log : options.logs) {
    if (!log.empty()) {
      const std::string origin = log.front().name;
      logs_[origin].keys = std::move(log);
    }
  }
}

Result<std::unique_ptr<Witness>> Witness::Open(FileSystem& fs, std::string dir,
                                               WitnessOptions options) {
  if (options.signing_seed.size() != kKeyBytes ||
      (!options.name.empty() && !IsNoteName(options.name))) {
    return Error{ErrorCode::kInvalid, "a witness needs a key, and a name without spaces"};
  }
  std::unique_ptr<Witness> witness(new Witness(fs, std::move(dir), std::move(options)));
  if (Result<void> loaded = witness->Load(); !loaded) {
    return loaded.error();
  }
  return witness;
}

std::string Witness::PathOf(const std::string& origin) const {
  return dir_ + "/" + HexEncode(Sha256(origin)).substr(0, 32) + ".checkpoint";
}

Result<void> Witness::Load() {
  if (Result<void> made = fs_.CreateDirs(dir_); !made) {
    return made;
  }
  for (auto& [origin, log] : logs_) {
    const std::string path = PathOf(origin);
    const Result<std::string> bytes = fs_.ReadWhole(path);
    if (!bytes && bytes.error().code == ErrorCode::kNotFound) {
      continue;
    }
    if (!bytes) {
      return bytes.error();
    }
    const Result<Checkpoint> checkpoint = OpenCheckpoint(*bytes, log.keys);
    if (!checkpoint) {
      return Error{ErrorCode::kCorruption, path + ": " + checkpoint.error().message};
    }
    log.latest = {checkpoint->size, checkpoint->root};
  }
  return {};
}

WitnessAnswer Witness::Answer(std::string_view body) {
  const std::optional<AddCheckpoint> request = ParseAddCheckpoint(body);
  const std::optional<SignedNote> note =
      request ? ParseNote(request->signed_checkpoint) : std::nullopt;
  if (!note) {
    return Refusal(400, "not an add-checkpoint request");
  }
  const std::lock_guard lock(mutex_);
  const auto log = logs_.find(OriginLine(*note));
  if (log == logs_.end()) {
    return Refusal(404, "this witness does not know that log");
  }
  return Decide(*request, *note, &log->second);
}

WitnessAnswer Witness::Decide(const AddCheckpoint& request, const SignedNote& note, Log* log) {
  const Result<Checkpoint> checkpoint = OpenCheckpoint(note, log->keys);
  if (!checkpoint) {
    return Refusal(checkpoint.error().code == ErrorCode::kDenied ? 403 : 400,
                   checkpoint.error().message);
  }
  if (request.old_size > checkpoint->size) {
    return Refusal(400, "the old size is larger than the checkpoint's");
  }
  if (request.old_size != log->latest.size) {
    return StaleSize(log->latest.size);
  }
  const SizedRoot newer{checkpoint->size, checkpoint->root};
  if (newer.size == log->latest.size && newer.root != log->latest.root) {
    return StaleSize(log->latest.size);  // another history: the log's own signature proves it
  }
  if (!VerifyConsistency(log->latest, newer, request.proof)) {
    return Refusal(422, "the checkpoint does not continue the one that was signed before");
  }
  // Only lines that this witness has checked are kept.
  SignedNote kept{note.text, {}};
  for (const NoteSignature& signature : note.signatures) {
    if (std::any_of(log->keys.begin(), log->keys.end(),
                    [&](const NoteKey& key) { return IsSignatureOf(key, signature); })) {
      kept.signatures.push_back(signature);
    }
  }
  if (!fs_.WriteFileAtomically(PathOf(checkpoint->origin), kept.ToText())) {
    return Refusal(500, "the checkpoint could not be kept, and was not signed");
  }
  log->latest = newer;
  const auto now_s = static_cast<uint64_t>(std::max<int64_t>(clock_.NowMs(), 0) / 1000);
  return {200, "text/plain; charset=utf-8",
          SignatureLine(Cosign(note.text, key_, signing_key_, now_s))};
}

Result<std::string> Witness::Pull(const FileFetch& fetch, const LogKeys& log) {
  Result<AuditReader> reader = AuditReader::Open(fetch, log);
  if (!reader) {
    return reader.error();
  }
  const uint64_t old_size = SizeOf(reader->checkpoint().origin);
  if (old_size > reader->size()) {
    return Error{ErrorCode::kCorruption, "the log has " + std::to_string(reader->size()) +
                                             " entries and had " + std::to_string(old_size) +
                                             " when this witness last saw it"};
  }
  Result<std::vector<TreeHash>> proof = reader->ProveConsistency(old_size);
  if (!proof) {
    return proof.error();
  }
  const WitnessAnswer answer =
      Answer(WriteAddCheckpoint({old_size, *std::move(proof), reader->signed_checkpoint()}));
  if (answer.status != 200) {
    return Error{answer.status == 500 ? ErrorCode::kUnavailable : ErrorCode::kCorruption,
                 answer.status == 409 ? "the log shows another history at the size that was signed"
                                      : answer.body.substr(0, answer.body.find('\n'))};
  }
  return reader->signed_checkpoint() + answer.body;
}

uint64_t Witness::SizeOf(const std::string& origin) const {
  const std::lock_guard lock(mutex_);
  const auto log = logs_.find(origin);
  return log == logs_.end() ? 0 : log->second.latest.size;
}

}  // namespace bulkhead
