// A witness of audit logs, as C2SP's tlog-witness has it: it signs a log's checkpoint only where it
// continues the one that it signed before, so that a log which cuts, rewrites or splits its history
// is found out. Kept on another host than the log. docs/formats/audit-witness.md draws its files.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/audit_reader.h"
#include "audit/signed_note.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"

namespace bulkhead {

inline constexpr size_t kMaxAddCheckpointBytes = 96UL * 1024;

// The body of POST /add-checkpoint.
struct AddCheckpoint {
  uint64_t old_size = 0;
  std::vector<TreeHash> proof;  // of consistency, at most 63
  std::string signed_checkpoint;
};
std::string WriteAddCheckpoint(const AddCheckpoint& request);
std::optional<AddCheckpoint> ParseAddCheckpoint(std::string_view body);  // nullopt: not one

struct WitnessAnswer {
  int status = 0;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

struct WitnessOptions {
  std::string name;           // of its key; empty: made from the key
  SecretBytes signing_seed;   // 32 bytes, Ed25519; of this witness alone
  std::vector<LogKeys> logs;  // that it signs for
  const Clock* clock = &SystemClock();
};

// Thread-safe. One process at a time may use a directory.
class Witness {
 public:
  // kCorruption: the directory holds a checkpoint that does not verify. A witness that lost its
  // directory must not go on under its old key.
  static Result<std::unique_ptr<Witness>> Open(FileSystem& fs, std::string dir,
                                               WitnessOptions options);

  [[nodiscard]] const NoteKey& key() const { return key_; }

  // Answers a request; 200 and the line of its signature where all is well. The checkpoint is
  // durable in the directory before it is signed.
  WitnessAnswer Answer(std::string_view body);

  // Fetches the newest checkpoint of a log and the tiles that it needs, and signs it by the same
  // rules: the checkpoint with both signatures. kCorruption: the log does not continue what was
  // signed before; the message says what was seen.
  Result<std::string> Pull(const FileFetch& fetch, const LogKeys& log);

  // The size that was signed last; 0: none.
  [[nodiscard]] uint64_t SizeOf(const std::string& origin) const;

 private:
  struct Log {
    LogKeys keys;
    SizedRoot latest{0, EmptyTreeRoot()};
  };
  Witness(FileSystem& fs, std::string dir, WitnessOptions options);
  Result<void> Load();
  [[nodiscard]] std::string PathOf(const std::string& origin) const;
  WitnessAnswer Decide(const AddCheckpoint& request, const SignedNote& note, Log* log);

  FileSystem& fs_;
  const std::string dir_;
  const Clock& clock_;
  const SigningKey signing_key_;
  NoteKey key_;
  mutable std::mutex mutex_;
  std::map<std::string, Log> logs_;  // by origin
};

}  // namespace bulkhead
