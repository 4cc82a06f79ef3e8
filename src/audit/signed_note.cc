#include "audit/signed_note.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/base64.h"
#include "base/hex.h"
#include "crypto/crypto.h"

namespace bulkhead {
namespace {

constexpr std::string_view kDash = "\xE2\x80\x94 ";
constexpr size_t kMaxNameBytes = 200;
constexpr size_t kKeyIdBytes = 4;
constexpr size_t kTimeBytes = 8;

std::string BigEndian(uint64_t value, size_t bytes) {
  std::string text;
  for (size_t i = bytes; i-- > 0;) {
    text.push_back(static_cast<char>(value >> (8 * i)));
  }
  return text;
}

uint64_t FromBigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) {
    value = value << 8 | static_cast<uint8_t>(c);
  }
  return value;
}

std::string_view View(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string CosignedMessage(std::string_view checkpoint_text, uint64_t time_s) {
  return "cosignature/v1\ntime " + std::to_string(time_s) + "\n" + std::string(checkpoint_text);
}

// Valid UTF-8 is not asked for: nothing but ASCII and the dash can be in a checkpoint that opens.
bool HasControlCharacters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return byte < 0x20 && c != '\n';
  });
}

}  // namespace

uint32_t NoteKey::Id() const {
  std::string text = name + '\n';
  text.push_back(static_cast<char>(kind));
  text += View(key);
  return static_cast<uint32_t>(FromBigEndian(View(Sha256(text)).substr(0, kKeyIdBytes)));
}

std::string NoteKey::ToText() const {
  const std::string id = BigEndian(Id(), kKeyIdBytes);
  std::string bytes(1, static_cast<char>(kind));
  bytes += View(key);
  return name + "+" + HexEncode({reinterpret_cast<const uint8_t*>(id.data()), id.size()}) + "+" +
         Base64Encode(bytes);
}

std::optional<NoteKey> NoteKey::Parse(std::string_view text) {
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
  }
  const size_t first = text.find('+');
  const size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) {
    return std::nullopt;
  }
  const std::optional<std::string> bytes = Base64DecodeStrict(text.substr(second + 1));
  NoteKey key;
  key.name = text.substr(0, first);
  if (!bytes || bytes->size() != 1 + key.key.size() || !IsNoteName(key.name)) {
    return std::nullopt;
  }
  key.kind = static_cast<NoteKeyKind>(bytes->front());
  std::memcpy(key.key.data(), bytes->data() + 1, key.key.size());
  const bool known = key.kind == NoteKeyKind::kLog || key.kind == NoteKeyKind::kWitness;
  return known && key.ToText() == text ? std::optional(key) : std::nullopt;
}

bool IsNoteName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return c > ' ' && c < 0x7F && c != '+'; });
}

std::string SignatureLine(const NoteSignature& signature) {
  return std::string(kDash) + signature.name + " " +
         Base64Encode(BigEndian(signature.key_id, kKeyIdBytes) + signature.bytes) + "\n";
}

std::optional<NoteSignature> ParseSignatureLine(std::string_view line) {
  if (!line.starts_with(kDash)) {
    return std::nullopt;
  }
  line.remove_prefix(kDash.size());
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || !IsNoteName(line.substr(0, space))) {
    return std::nullopt;
  }
  const std::optional<std::string> bytes = Base64DecodeStrict(line.substr(space + 1));
  if (!bytes || bytes->size() <= kKeyIdBytes) {
    return std::nullopt;
  }
  NoteSignature signature;
  signature.name = line.substr(0, space);
  signature.key_id =
      static_cast<uint32_t>(FromBigEndian(std::string_view(*bytes).substr(0, kKeyIdBytes)));
  signature.bytes = bytes->substr(kKeyIdBytes);
  return signature;
}

std::string SignedNote::ToText() const {
  std::string bytes = text + "\n";
  for (const NoteSignature& signature : signatures) {
    bytes += SignatureLine(signature);
  }
  return bytes;
}

std::optional<SignedNote> ParseNote(std::string_view bytes) {
  const size_t split = bytes.rfind("\n\n");
  if (split == std::string_view::npos || bytes.size() > kMaxNoteBytes || !bytes.ends_with('\n') ||
      HasControlCharacters(bytes)) {
    return std::nullopt;
  }
  SignedNote note;
  note.text = bytes.substr(0, split + 1);
  std::string_view rest = bytes.substr(split + 2);
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    std::optional<NoteSignature> signature = ParseSignatureLine(rest.substr(0, end));
    if (!signature || note.signatures.size() == kMaxNoteSignatures) {
      return std::nullopt;
    }
    note.signatures.push_back(*std::move(signature));
    rest.remove_prefix(end + 1);
  }
  return note.signatures.empty() ? std::nullopt : std::optional(std::move(note));
}

std::string Checkpoint::ToText() const {
  return origin + "\n" + std::to_string(size) + "\n" + HashText(root) + "\n";
}

std::optional<Checkpoint> Checkpoint::Parse(std::string_view text) {
  const size_t first = text.find('\n');
  const size_t second = first == std::string_view::npos ? first : text.find('\n', first + 1);
  if (second == std::string_view::npos || !text.ends_with('\n')) {
    return std::nullopt;
  }
  const std::optional<uint64_t> size = ParseDecimal(text.substr(first + 1, second - first - 1));
  const std::optional<TreeHash> root =
      second + 1 < text.size() ? ParseHash(text.substr(second + 1, text.size() - second - 2))
                               : std::nullopt;
  if (!size || !root || !IsNoteName(text.substr(0, first))) {
    return std::nullopt;
  }
  return Checkpoint{std::string(text.substr(0, first)), *size, *root};
}

NoteSignature SignCheckpoint(const Checkpoint& checkpoint, const SigningKey& key) {
  const NoteKey public_key{NoteKeyKind::kLog, checkpoint.origin, key.public_key()};
  return {checkpoint.origin, public_key.Id(), std::string(View(key.Sign(checkpoint.ToText())))};
}

NoteSignature Cosign(std::string_view checkpoint_text, const NoteKey& witness,
                     const SigningKey& key, uint64_t time_s) {
  return {witness.name, witness.Id(),
          BigEndian(time_s, kTimeBytes) +
              std::string(View(key.Sign(CosignedMessage(checkpoint_text, time_s))))};
}

bool IsSignatureOf(const NoteKey& key, const NoteSignature& signature) {
  return signature.name == key.name && signature.key_id == key.Id();
}

Result<Checkpoint> OpenCheckpoint(const SignedNote& note, const LogKeys& log) {
  const NoteKey* signer = nullptr;
  for (const NoteKey& key : log) {
    for (const NoteSignature& signature : note.signatures) {
      if (!IsSignatureOf(key, signature)) {
        continue;
      }
      if (key.kind != NoteKeyKind::kLog || !VerifySignature(key.key, note.text, signature.bytes)) {
        return Error{ErrorCode::kDenied, "the checkpoint's signature is wrong"};
      }
      signer = &key;
    }
  }
  if (signer == nullptr) {
    return Error{ErrorCode::kDenied, "the checkpoint is not signed by the log's key"};
  }
  std::optional<Checkpoint> checkpoint = Checkpoint::Parse(note.text);
  if (!checkpoint || checkpoint->origin != signer->name) {
    return Error{ErrorCode::kCorruption, "the signed text is not a checkpoint of that log"};
  }
  return *std::move(checkpoint);
}

Result<Checkpoint> OpenCheckpoint(std::string_view bytes, const LogKeys& log) {
  const std::optional<SignedNote> note = ParseNote(bytes);
  if (!note) {
    return Error{ErrorCode::kCorruption, "the checkpoint is not a signed note"};
  }
  return OpenCheckpoint(*note, log);
}

std::optional<uint64_t> CosignedAt(const SignedNote& note, const NoteKey& witness) {
  for (const NoteSignature& signature : note.signatures) {
    if (signature.name != witness.name || signature.key_id != witness.Id() ||
        signature.bytes.size() != kTimeBytes + kSignatureBytes) {
      continue;
    }
    const std::string_view bytes(signature.bytes);
    const uint64_t time_s = FromBigEndian(bytes.substr(0, kTimeBytes));
    if (VerifySignature(witness.key, CosignedMessage(note.text, time_s),
                        bytes.substr(kTimeBytes))) {
      return time_s;
    }
  }
  return std::nullopt;
}

std::optional<uint64_t> ParseDecimal(std::string_view text) {
  uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size() ||
      (text.size() > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  return number;
}

std::optional<TreeHash> ParseHash(std::string_view base64) {
  const std::optional<std::string> bytes = Base64DecodeStrict(base64);
  TreeHash hash;
  if (!bytes || bytes->size() != hash.size()) {
    return std::nullopt;
  }
  std::memcpy(hash.data(), bytes->data(), hash.size());
  return hash;
}

std::string HashText(const TreeHash& hash) { return Base64Encode(View(hash)); }

}  // namespace bulkhead
