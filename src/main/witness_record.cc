#include "main/witness_record.h"

#include <fmt/format.h>

#include <memory>
#include <optional>

namespace bulkhead {
namespace {

constexpr std::string_view kDirectory = "cosigned";

}  // namespace

std::string CosignedName(const NoteKey& witness) {
  return fmt::format("{}/{:08x}", kDirectory, witness.Id());
}

Result<std::unique_ptr<WitnessRecord>> WitnessRecord::Make(FileSystem* fs, std::string log_dir,
                                                           const AuditLog* log,
                                                           const std::vector<std::string>& keys) {
  std::unique_ptr<WitnessRecord> record(new WitnessRecord(fs, std::move(log_dir), log));
  for (const std::string& text : keys) {
    std::optional<NoteKey> key = NoteKey::Parse(text);
    if (!key || key->kind != NoteKeyKind::kWitness) {
      return Error{ErrorCode::kInvalid, "not the public key of a witness: " + text};
    }
    record->keys_.push_back(*std::move(key));
  }
  return record;
}

Result<AddCheckpoint> WitnessRecord::Prove(uint64_t old_size) const {
  Result<AuditReader> reader = log_->Read();
  if (!reader) {
    return reader.error();
  }
  if (old_size > reader->size()) {
    return Error{ErrorCode::kInvalid, "the log has not so many entries"};
  }
  Result<std::vector<TreeHash>> proof = reader->ProveConsistency(old_size);
  if (!proof) {
    return proof.error();
  }
  return AddCheckpoint{old_size, *std::move(proof), reader->signed_checkpoint()};
}

Result<void> WitnessRecord::Keep(std::string_view cosigned) {
  const Error refused{ErrorCode::kDenied, "not a checkpoint of this log that a witness cosigned"};
  const std::optional<SignedNote> note = ParseNote(cosigned);
  const Result<Checkpoint> checkpoint =
      note ? OpenCheckpoint(*note, log_->keys()) : Result<Checkpoint>(refused);
  Result<AuditReader> reader = log_->Read();
  if (!checkpoint || !reader) {
    return checkpoint ? reader.error() : checkpoint.error();
  }
  // Signed by the log's key it is, but that may have been before an older copy was put back.
  if (checkpoint->size > reader->size()) {
    return refused;
  }
  const Result<TreeHash> root = reader->RootAt(checkpoint->size);
  if (!root || *root != checkpoint->root) {
    return root ? refused : root.error();
  }
  for (const NoteKey& key : keys_) {
    if (CosignedAt(*note, key)) {
      const std::lock_guard lock(keeping_);
      return KeepFor(key, cosigned, checkpoint->size);
    }
  }
  return refused;
}

Result<void> WitnessRecord::KeepFor(const NoteKey& witness, std::string_view cosigned,
                                    uint64_t size) const {
  const std::string path = log_dir_ + "/" + CosignedName(witness);
  if (const Result<std::string> there = fs_->ReadWhole(path); there) {
    const Result<Checkpoint> kept = OpenCheckpoint(*there, log_->keys());
    if (kept && kept->size >= size) {
      return {};
    }
  }
  if (Result<void> made = fs_->CreateDirs(fmt::format("{}/{}", log_dir_, kDirectory)); !made) {
    return made;
  }
  return fs_->WriteFileAtomically(path, cosigned);
}

}  // namespace bulkhead
