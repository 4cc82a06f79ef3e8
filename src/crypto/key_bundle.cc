#include "crypto/key_bundle.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "base/byte_codec.h"
#include "crypto/rsa_key.h"

namespace bulkhead {
namespace {

constexpr std::string_view kMagic = "BHKB";
constexpr uint8_t kVersion = 2;
constexpr size_t kHeaderBytes = 4 + 1 + 1 + 2;
constexpr size_t kEntryBytes = 1 + 1 + 4 + 8;

struct PurposeFacts {
  std::string_view name;
  size_t bytes;
};

// In the order of KeyPurpose, from 1.
constexpr std::array<PurposeFacts, static_cast<size_t>(kLastKeyPurpose)> kPurposes{{
    {"pseudonym", kKeyBytes},
    {"insert-id", kKeyBytes},
    {"token", kKeyBytes},
    {"store", kKeyBytes},
    {"catalogue", kKeyBytes},
    {"session", kKeyBytes},
    {"core-log", 2 * kKeyBytes},
    {"vault-seal", 2 * kKeyBytes},
    {"vault-log", 2 * kKeyBytes},
    {"subject-wrap", kKeyBytes},
    {"blind-index", kKeyBytes},
    {"audit", kKeyBytes},
    {"audit-payload", kKeyBytes},
    {"webhook", kKeyBytes},
    {"core-log-public", kKeyBytes},
    {"vault-seal-public", kKeyBytes},
    {"vault-log-public", kKeyBytes},
    {"vendor", kKeyBytes},
    {"notice-code", kKeyBytes},
    {"notice-signing", kKeyBytes},
    {"dkim-ed25519", kKeyBytes},
    {"dkim-rsa", RsaKey::kPaddedBytes},
}};

constexpr uint32_t Bit(KeyPurpose purpose) { return 1U << static_cast<unsigned>(purpose); }

constexpr uint32_t PurposesOf(KeyScope scope) {
  using enum KeyPurpose;
  switch (scope) {
    case KeyScope::kIntake:
      return Bit(kPseudonym) | Bit(kInsertId) | Bit(kToken) | Bit(kCatalogue) |
             Bit(kCoreLogPublic) | Bit(kVaultSealPublic) | Bit(kVaultLogPublic);
    case KeyScope::kCore:
      return Bit(kStore) | Bit(kCatalogue) | Bit(kSession) | Bit(kCoreLog);
    case KeyScope::kVault:
      return Bit(kPseudonym) | Bit(kVaultSeal) | Bit(kVaultLog) | Bit(kSubjectWrap) |
             Bit(kBlindIndex);
    case KeyScope::kAudit:
      return Bit(kAuditSigning) | Bit(kAuditPayload);
    case KeyScope::kEgress:
      return Bit(kWebhook) | Bit(kVendor) | Bit(kNoticeCode) | Bit(kNoticeSigning) |
             Bit(kDkimEd25519) | Bit(kDkimRsa);
    case KeyScope::kFileMain:
      return Bit(kPseudonym) | Bit(kInsertId) | Bit(kToken) | Bit(kStore) | Bit(kCatalogue) |
             Bit(kSession) | Bit(kCoreLog) | Bit(kAuditSigning) | Bit(kAuditPayload) |
             Bit(kWebhook) | Bit(kVaultSealPublic) | Bit(kVaultLogPublic) | Bit(kVendor) |
             Bit(kNoticeCode) | Bit(kNoticeSigning) | Bit(kDkimEd25519) | Bit(kDkimRsa);
    case KeyScope::kFileVault:
      return Bit(kVaultSeal) | Bit(kVaultLog) | Bit(kSubjectWrap) | Bit(kBlindIndex);
  }
  return 0;
}

// Empty where the two may follow one another (`before` is null for the first), else what is wrong.
std::string_view OrderFault(const KeyEntry* before, const KeyEntry& entry) {
  if (entry.id == 0) {
    return "a key without a number";
  }
  if (before == nullptr || before->purpose < entry.purpose) {
    return before != nullptr && before->state != KeyState::kNewest ? "no newest key of a purpose"
                                                                   : std::string_view();
  }
  if (before->purpose > entry.purpose || before->id >= entry.id) {
    return "keys out of order";
  }
  return before->state == KeyState::kNewest ? "two newest keys of a purpose" : std::string_view();
}

Error Damaged(std::string_view what) {
  return Error{ErrorCode::kCorruption, "a list of keys is damaged: " + std::string(what)};
}

Result<KeyEntry> ReadEntry(KeyScope scope, ByteReader* reader) {
  KeyEntry entry;
  const uint8_t purpose = reader->Byte();
  const uint8_t state = reader->Byte();
  entry.id = reader->Fixed<uint32_t>();
  entry.from_ms = reader->Fixed<int64_t>();
  if (!reader->ok() || purpose == 0 || purpose > static_cast<uint8_t>(kLastKeyPurpose) ||
      !ScopeHas(scope, static_cast<KeyPurpose>(purpose))) {
    return Damaged("a purpose that does not belong there, or that this program does not know");
  }
  if (state != static_cast<uint8_t>(KeyState::kNewest) &&
      state != static_cast<uint8_t>(KeyState::kOld)) {
    return Damaged("an unknown state");
  }
  entry.purpose = static_cast<KeyPurpose>(purpose);
  entry.state = static_cast<KeyState>(state);
  const std::string_view bytes = reader->Raw(KeyPurposeBytes(entry.purpose));
  if (!reader->ok()) {
    return Damaged("cut short");
  }
  entry.bytes = SecretBytes(bytes);
  return entry;
}

}  // namespace

std::string_view KeyPurposeName(KeyPurpose purpose) {
  return kPurposes[static_cast<size_t>(purpose) - 1].name;
}

size_t KeyPurposeBytes(KeyPurpose purpose) {
  return kPurposes[static_cast<size_t>(purpose) - 1].bytes;
}

bool ScopeHas(KeyScope scope, KeyPurpose purpose) {
  return (PurposesOf(scope) & Bit(purpose)) != 0;
}

SecretBytes EncodeKeyBundle(KeyScope scope, const std::vector<KeyEntry>& entries) {
  size_t size = kHeaderBytes;
  for (const KeyEntry& entry : entries) {
    size += kEntryBytes + entry.bytes.size();
  }
  Check(entries.size() <= std::numeric_limits<uint16_t>::max(), "a list of keys is short");
  SecretBytes out(size);
  uint8_t* at = out.data();
  const auto put = [&at](const void* bytes, size_t count) {
    std::memcpy(at, bytes, count);
    at += count;
  };
  const auto count = static_cast<uint16_t>(entries.size());
  put(kMagic.data(), kMagic.size());
  put(&kVersion, 1);
  put(&scope, 1);
  put(&count, sizeof(count));
  const KeyEntry* before = nullptr;
  for (const KeyEntry& entry : entries) {
    Check(ScopeHas(scope, entry.purpose), "a list of keys holds its scope's purposes only");
    Check(entry.bytes.size() == KeyPurposeBytes(entry.purpose), "a key has its purpose's size");
    Check(OrderFault(before, entry).empty(), "keys are in order");
    put(&entry.purpose, 1);
    put(&entry.state, 1);
    put(&entry.id, sizeof(entry.id));
    put(&entry.from_ms, sizeof(entry.from_ms));
    put(entry.bytes.data(), entry.bytes.size());
    before = &entry;
  }
  Check(before == nullptr || before->state == KeyState::kNewest, "every purpose has a newest key");
  return out;
}

Result<std::vector<KeyEntry>> DecodeKeyBundle(KeyScope scope, std::string_view bytes) {
  ByteReader reader(bytes);
  const bool ours = reader.Raw(kMagic.size()) == kMagic;
  const uint8_t version = reader.Byte();
  const uint8_t written_scope = reader.Byte();
  const size_t count = reader.Fixed<uint16_t>();
  if (!reader.ok() || !ours || version != kVersion) {
    return Damaged("not one, or of a version that this program does not know");
  }
  if (written_scope != static_cast<uint8_t>(scope)) {
    return Damaged("it is another compartment's");
  }
  std::vector<KeyEntry> entries;
  for (size_t i = 0; i < count; ++i) {
    Result<KeyEntry> entry = ReadEntry(scope, &reader);
    if (!entry) {
      return entry.error();
    }
    const std::string_view fault = OrderFault(entries.empty() ? nullptr : &entries.back(), *entry);
    if (!fault.empty()) {
      return Damaged(fault);
    }
    entries.push_back(*std::move(entry));
  }
  if (!reader.AtEnd()) {
    return Damaged("bytes left over");
  }
  if (!entries.empty() && entries.back().state != KeyState::kNewest) {
    return Damaged("no newest key of a purpose");
  }
  return entries;
}

}  // namespace bulkhead
