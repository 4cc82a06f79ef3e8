// Signed notes and checkpoints, as C2SP's signed-note, tlog-checkpoint and tlog-cosignature have
// them: a text, an empty line, and lines "— name base64(key id, signature)". Everything is checked
// strictly: one meaning has one spelling. Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/merkle_tree.h"
#include "base/result.h"
#include "crypto/signature.h"

namespace bulkhead {

inline constexpr size_t kMaxNoteBytes = 64UL * 1024;
inline constexpr size_t kMaxNoteSignatures = 64;

// Who signs, and how: a log its checkpoints, a witness the checkpoints of logs (with the time).
enum class NoteKeyKind : uint8_t { kLog = 0x01, kWitness = 0x04 };

// A public key with its name; as text "name+key id+base64", which other tools take too.
struct NoteKey {
  NoteKeyKind kind = NoteKeyKind::kLog;
  std::string name;
  PublicKey key{};

  [[nodiscard]] uint32_t Id() const;
  [[nodiscard]] std::string ToText() const;
  static std::optional<NoteKey> Parse(std::string_view text);  // a newline at its end is allowed
};

// Not empty, no space, no '+', printable ASCII, at most 200 bytes.
bool IsNoteName(std::string_view name);

struct NoteSignature {
  std::string name;
  uint32_t key_id = 0;
  std::string bytes;  // behind the key id
};

struct SignedNote {
  std::string text;  // with its last newline
  std::vector<NoteSignature> signatures;

  // The note and its signatures as one text again: the bytes that were parsed.
  [[nodiscard]] std::string ToText() const;
};
// nullopt: not a note. Says nothing about whether a signature is right.
std::optional<SignedNote> ParseNote(std::string_view bytes);

// What tree a log had: origin, size, root. No extension lines.
struct Checkpoint {
  std::string origin;
  uint64_t size = 0;
  TreeHash root{};

  [[nodiscard]] std::string ToText() const;
  static std::optional<Checkpoint> Parse(std::string_view text);
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// By the key of that name that it is.
NoteSignature SignCheckpoint(const Checkpoint& checkpoint, const SigningKey& key);
NoteSignature Cosign(std::string_view checkpoint_text, const NoteKey& witness,
                     const SigningKey& key, uint64_t time_s);

// The keys of one log, all of its name: more than one while an older key is followed by a newer.
using LogKeys = std::vector<NoteKey>;

// The text of the note as a checkpoint that the log signed: kCorruption where it is not a note or
// no checkpoint, kDenied where no line of these keys is there or one of them is wrong.
Result<Checkpoint> OpenCheckpoint(const SignedNote& note, const LogKeys& log);
Result<Checkpoint> OpenCheckpoint(std::string_view bytes, const LogKeys& log);

bool IsSignatureOf(const NoteKey& key, const NoteSignature& signature);  // by name and key id

// When `witness` cosigned the note, in seconds since 1970; nullopt where it did not.
std::optional<uint64_t> CosignedAt(const SignedNote& note, const NoteKey& witness);

// The line of one signature, with its newline.
std::string SignatureLine(const NoteSignature& signature);
std::optional<NoteSignature> ParseSignatureLine(std::string_view line);  // without its newline

// A decimal number without leading zeros, of at most 64 bits.
std::optional<uint64_t> ParseDecimal(std::string_view text);
std::optional<TreeHash> ParseHash(std::string_view base64);
std::string HashText(const TreeHash& hash);

}  // namespace bulkhead
