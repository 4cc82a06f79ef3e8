#include "crypto/key_file.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/byte_codec.h"
#include "crypto/rsa_key.h"

namespace bulkhead {
namespace {

constexpr std::string_view kMagic = "BHKEYS";
constexpr uint8_t kVersion = 2;
constexpr size_t kMaxRoots = 2;
constexpr size_t kSlotBoxBytes = kKeyBytes + kAeadOverheadBytes;
constexpr uint8_t kVaultPlain = 1;
constexpr uint8_t kVaultSplit = 2;
constexpr std::string_view kVaultContext = "bulkhead v2 vault keys";

struct Slot {
  RootKeyId id{};
  std::string_view box;
};

SecretBytes SlotKey(const SecretBytes& root) { return DeriveKey(root, "bulkhead v2 root slot"); }
SecretBytes BodyKey(const SecretBytes& file_key) {
  return DeriveKey(file_key, "bulkhead v2 key file body");
}

std::string SlotContext(std::string_view header, const RootKeyId& id) {
  std::string context(header);
  context.append(reinterpret_cast<const char*>(id.data()), id.size());
  return context;
}

Error Damaged(const std::string& path, const char* what) {
  return Error{ErrorCode::kCorruption, path + " " + what};
}

SecretBytes Joined(std::initializer_list<std::string_view> parts) {
  size_t size = 0;
  for (const std::string_view part : parts) {
    size += part.size();
  }
  SecretBytes joined(size);
  uint8_t* at = joined.data();
  for (const std::string_view part : parts) {
    at = std::copy(part.begin(), part.end(), at);
  }
  return joined;
}

std::string EncodeSplit(const VaultSplit& split) {
  std::string out;
  ByteWriter writer(&out);
  writer.Fixed(split.id);
  writer.Fixed(split.checks);
  writer.Fixed(split.wraps);
  return out;
}

VaultSplit ReadSplit(ByteReader* reader) {
  VaultSplit split;
  split.id = reader->Fixed<VaultSplitId>();
  split.checks = reader->Fixed<decltype(split.checks)>();
  split.wraps = reader->Fixed<decltype(split.wraps)>();
  return split;
}

}  // namespace

RootKeyId RootKeyIdOf(const SecretBytes& root) {
  const SecretBytes derived = DeriveKey(root, "bulkhead v2 root key id");
  RootKeyId id{};
  std::copy_n(derived.data(), id.size(), id.begin());
  return id;
}

const KeyEntry* NewestKey(const std::vector<KeyEntry>& entries, KeyPurpose purpose) {
  const auto found = std::find_if(entries.begin(), entries.end(), [purpose](const KeyEntry& entry) {
    return entry.purpose == purpose && entry.state == KeyState::kNewest;
  });
  return found == entries.end() ? nullptr : &*found;
}

void AddNewestKey(std::vector<KeyEntry>* entries, KeyEntry entry) {
  for (KeyEntry& other : *entries) {
    if (other.purpose == entry.purpose) {
      Check(other.id < entry.id, "the numbers of keys grow");
      other.state = KeyState::kOld;
    }
  }
  entry.state = KeyState::kNewest;
  const auto behind = std::find_if(entries->begin(), entries->end(), [&](const KeyEntry& other) {
    return other.purpose > entry.purpose;
  });
  entries->insert(behind, std::move(entry));
}

KeyEntry GenerateKey(KeyPurpose purpose, uint32_t id, int64_t from_ms) {
  KeyEntry entry{purpose, KeyState::kNewest, id, from_ms, {}};
  Check(!IsPublicHalf(purpose), "public keys come from their pair");
  if (KeyPurposeBytes(purpose) == kKeyBytes) {
    entry.bytes = RandomSecret(kKeyBytes);
    return entry;
  }
  if (purpose == KeyPurpose::kDkimRsa) {
    Result<RsaKey> key = RsaKey::Generate();
    Result<SecretBytes> padded = key ? key->ToPadded() : Result<SecretBytes>(key.error());
    Check(padded.has_value(), "an RSA key can be made");
    entry.bytes = *std::move(padded);
    return entry;
  }
  const SealKeyPair pair = GenerateSealKeyPair();
  entry.bytes = SecretBytes(2 * kKeyBytes);
  std::copy(pair.public_key.begin(), pair.public_key.end(), entry.bytes.data());
  std::memcpy(entry.bytes.data() + kKeyBytes, pair.private_key.data(), kKeyBytes);
  return entry;
}

KeyEntry CopyKey(const KeyEntry& entry) {
  return {entry.purpose, entry.state, entry.id, entry.from_ms, SecretBytes(entry.bytes.view())};
}

KeyEntry PublicHalf(const KeyEntry& pair, KeyPurpose purpose) {
  return {purpose, pair.state, pair.id, pair.from_ms,
          SecretBytes(pair.bytes.view().substr(0, kKeyBytes))};
}

Result<KeyFile> KeyFile::Read(FileSystem& fs, const std::string& dir, const SecretBytes& root) {
  const std::string path = dir + "/" + std::string(kKeyFileName);
  const Result<std::string> bytes = fs.ReadWhole(path);
  if (!bytes) {
    return bytes.error();
  }
  ByteReader reader(*bytes);
  const bool ours = reader.Raw(kMagic.size()) == kMagic;
  const uint8_t version = reader.Byte();
  const uint8_t count = reader.Byte();
  if (!reader.ok() || !ours) {
    return Damaged(path, "is not a key file");
  }
  if (version != kVersion || count == 0 || count > kMaxRoots) {
    return Damaged(path, "has a version that this program does not know");
  }
  const std::string_view header = std::string_view(*bytes).substr(0, kMagic.size() + 2);
  KeyFile file;
  std::optional<Slot> mine;
  for (uint8_t i = 0; i < count; ++i) {
    Slot slot{reader.Fixed<RootKeyId>(), reader.Raw(kSlotBoxBytes)};
    if (slot.id == RootKeyIdOf(root)) {
      mine = slot;
    }
    file.root_ids_.push_back(slot.id);
  }
  if (!reader.ok()) {
    return Damaged(path, "is cut short");
  }
  if (!mine) {
    return Error{ErrorCode::kDenied, path + " is wrapped for another root key"};
  }
  const Result<SecretBytes> file_key =
      AeadDecrypt(SlotKey(root), mine->box, SlotContext(header, mine->id));
  if (!file_key || file_key->size() != kKeyBytes) {
    return Damaged(path, "does not open: changed");
  }
  const size_t at = bytes->size() - reader.remaining();
  const std::string_view all(*bytes);
  const Result<SecretBytes> body =
      AeadDecrypt(BodyKey(*file_key), all.substr(at), all.substr(0, at));
  if (!body) {
    return Damaged(path, "does not open: changed or cut");
  }
  if (const Result<void> decoded = file.DecodeBody(body->view()); !decoded) {
    return Error{decoded.error().code, path + ": " + decoded.error().message};
  }
  return file;
}

Result<void> KeyFile::Write(FileSystem& fs, const std::string& dir,
                            std::span<const SecretBytes* const> roots) const {
  Check(!roots.empty() && roots.size() <= kMaxRoots, "the key file is for one root key or two");
  std::string bytes(kMagic);
  bytes.push_back(static_cast<char>(kVersion));
  bytes.push_back(static_cast<char>(roots.size()));
  const std::string header = bytes;
  const SecretBytes file_key = RandomSecret(kKeyBytes);  // another one with every writing
  for (const SecretBytes* root : roots) {
    const RootKeyId id = RootKeyIdOf(*root);
    bytes.append(reinterpret_cast<const char*>(id.data()), id.size());
    bytes += AeadEncrypt(SlotKey(*root), file_key.view(), SlotContext(header, id));
  }
  bytes += AeadEncrypt(BodyKey(file_key), EncodeBody().view(), bytes);
  return fs.WriteFileAtomically(dir + "/" + std::string(kKeyFileName), bytes);
}

SecretBytes KeyFile::EncodeBody() const {
  const SecretBytes main = EncodeKeyBundle(KeyScope::kFileMain, main_);
  std::string sizes;
  ByteWriter writer(&sizes);
  writer.Fixed(static_cast<uint32_t>(main.size()));
  std::string kind(1, static_cast<char>(split_ ? kVaultSplit : kVaultPlain));
  if (split_) {
    kind += EncodeSplit(*split_);
  }
  if (!vault_open_) {
    return Joined({sizes, main.view(), kind, vault_box_});
  }
  const SecretBytes vault = EncodeKeyBundle(KeyScope::kFileVault, vault_);
  if (!split_) {
    return Joined({sizes, main.view(), kind, vault.view()});
  }
  const std::string box =
      AeadEncrypt(DeriveKey(vault_root_, kVaultContext), vault.view(), kVaultContext);
  return Joined({sizes, main.view(), kind, box});
}

Result<void> KeyFile::DecodeBody(std::string_view body) {
  ByteReader reader(body);
  const std::string_view main = reader.Raw(reader.Fixed<uint32_t>());
  const uint8_t kind = reader.Byte();
  if (!reader.ok() || (kind != kVaultPlain && kind != kVaultSplit)) {
    return Error{ErrorCode::kCorruption, "its content is not of this version"};
  }
  Result<std::vector<KeyEntry>> entries = DecodeKeyBundle(KeyScope::kFileMain, main);
  if (!entries) {
    return entries.error();
  }
  main_ = *std::move(entries);
  if (kind == kVaultSplit) {
    split_ = ReadSplit(&reader);
    if (!reader.ok()) {
      return Error{ErrorCode::kCorruption, "its content is cut short"};
    }
    vault_open_ = false;
    vault_box_ = reader.Raw(reader.remaining());
    return {};
  }
  Result<std::vector<KeyEntry>> vault =
      DecodeKeyBundle(KeyScope::kFileVault, reader.Raw(reader.remaining()));
  if (!vault) {
    return vault.error();
  }
  vault_ = *std::move(vault);
  return {};
}

Result<void> KeyFile::OpenVault(std::span<const VaultShare> shares) {
  if (vault_open_) {
    return {};
  }
  Result<SecretBytes> vault_root = JoinVaultShares(*split_, shares);
  if (!vault_root) {
    return vault_root.error();
  }
  const Result<SecretBytes> bytes =
      AeadDecrypt(DeriveKey(*vault_root, kVaultContext), vault_box_, kVaultContext);
  if (!bytes) {
    return Error{ErrorCode::kCorruption, "the vault's part of the key file is damaged"};
  }
  Result<std::vector<KeyEntry>> entries = DecodeKeyBundle(KeyScope::kFileVault, bytes->view());
  if (!entries) {
    return entries.error();
  }
  vault_ = *std::move(entries);
  vault_root_ = *std::move(vault_root);
  vault_box_.clear();
  vault_open_ = true;
  return {};
}

std::vector<KeyEntry>& KeyFile::vault() {
  Check(vault_open_, "the vault's keys are opened before they are used");
  return vault_;
}
const std::vector<KeyEntry>& KeyFile::vault() const {
  Check(vault_open_, "the vault's keys are opened before they are used");
  return vault_;
}

bool KeyFile::CopyPublicHalves() {
  bool changed = false;
  const std::pair<KeyPurpose, KeyPurpose> halves[] = {
      {KeyPurpose::kVaultSeal, KeyPurpose::kVaultSealPublic},
      {KeyPurpose::kVaultLog, KeyPurpose::kVaultLogPublic}};
  for (const auto& [pair, half] : halves) {
    const KeyEntry* newest = NewestKey(vault(), pair);
    const KeyEntry* known = NewestKey(main_, half);
    if (newest == nullptr ||
        (known != nullptr && newest->bytes.view().starts_with(known->bytes.view()))) {
      continue;
    }
    std::erase_if(main_, [half](const KeyEntry& entry) { return entry.purpose == half; });
    AddNewestKey(&main_, PublicHalf(*newest, half));
    changed = true;
  }
  return changed;
}

void KeyFile::SetSplit(VaultSplit split, SecretBytes vault_root) {
  Check(vault_open_, "only open keys can be split");
  split_ = split;
  vault_root_ = std::move(vault_root);
}

void KeyFile::RemoveSplit() {
  Check(vault_open_, "only open keys can be joined");
  split_.reset();
  vault_root_ = SecretBytes();
}

}  // namespace bulkhead
