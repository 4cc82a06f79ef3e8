#include "crypto/keys.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hex.h"

namespace bulkhead {
namespace {

constexpr std::string_view kRootPrefix = "bulkhead-root-key-v1 ";
constexpr std::string_view kMagic = "BHKEYS";
constexpr char kVersion = 1;
constexpr const char* kFileNames[] = {"root.key", "intake.keys", "core.keys", "vault.keys"};

enum class Compartment : char { kIntake = 1, kCore = 2, kVault = 3 };

std::string FileName(Compartment compartment) {
  return kFileNames[static_cast<size_t>(compartment)];
}

std::string Header(Compartment compartment) {
  std::string header(kMagic);
  header.push_back(kVersion);
  header.push_back(static_cast<char>(compartment));
  return header;
}

SecretBytes WrapKey(const SecretBytes& root, Compartment compartment) {
  return DeriveKey(root, "bulkhead v1 key file " + FileName(compartment));
}

Result<void> WriteKeyFile(FileSystem& fs, const std::string& dir, Compartment compartment,
                          const SecretBytes& root, const SecretBytes& body) {
  const std::string header = Header(compartment);
  return fs.WriteFileAtomically(
      dir + "/" + FileName(compartment),
      header + AeadEncrypt(WrapKey(root, compartment), body.view(), header));
}

// The opened body, whose size is checked, so that parts of it can be taken without further ado.
Result<SecretBytes> ReadKeyFile(FileSystem& fs, const std::string& dir, Compartment compartment,
                                const SecretBytes& root, size_t body_size) {
  const std::string path = dir + "/" + FileName(compartment);
  const Result<std::string> bytes = fs.ReadWhole(path);
  if (!bytes) {
    return bytes.error();
  }
  const std::string header = Header(compartment);
  if (!bytes->starts_with(kMagic)) {
    return Error{ErrorCode::kCorruption, path + " is not a key file"};
  }
  if (!bytes->starts_with(header)) {
    return Error{ErrorCode::kCorruption,
                 path + " has a version that this program does not know, or is another file's"};
  }
  Result<SecretBytes> body = AeadDecrypt(WrapKey(root, compartment),
                                         std::string_view(*bytes).substr(header.size()), header);
  if (!body || body->size() != body_size) {
    return Error{ErrorCode::kCorruption, path + " does not open: changed, or another root key"};
  }
  return body;
}

// Takes 32 bytes after 32 bytes, as they were joined.
class Parts {
 public:
  explicit Parts(const SecretBytes& body) : body_(body) {}
  SecretBytes Secret() { return SecretBytes(Next()); }
  std::array<uint8_t, 32> Public() {
    std::array<uint8_t, 32> bytes{};
    std::memcpy(bytes.data(), Next().data(), bytes.size());
    return bytes;
  }

 private:
  std::string_view Next() {
    const std::string_view part = body_.view().substr(kKeyBytes * index_++, kKeyBytes);
    Check(part.size() == kKeyBytes, "a key file's body has a part for each key");
    return part;
  }
  const SecretBytes& body_;
  size_t index_ = 0;
};

SecretBytes Join(const std::vector<std::span<const uint8_t>>& parts) {
  SecretBytes body(parts.size() * kKeyBytes);
  uint8_t* at = body.data();
  for (const std::span<const uint8_t> part : parts) {
    Check(part.size() == kKeyBytes, "every key has 32 bytes");
    at = std::copy(part.begin(), part.end(), at);
  }
  return body;
}

Result<void> WriteAll(FileSystem& fs, const std::string& dir) {
  const SecretBytes root = RandomSecret(kKeyBytes);
  const SealKeyPair vault = GenerateSealKeyPair();
  const auto random = [] { return RandomSecret(kKeyBytes); };
  const SecretBytes pseudonym = random(), insert_id = random(), token = random();
  const SecretBytes store = random(), session = random();
  const SecretBytes subject_wrap = random(), blind_index = random();

  std::string root_text = std::string(kRootPrefix) + HexEncode(root.bytes()) + "\n";
  Result<void> written = fs.WriteFileAtomically(dir + "/" + kFileNames[0], root_text);
  Wipe(&root_text);
  if (written) {
    written =
        WriteKeyFile(fs, dir, Compartment::kIntake, root,
                     Join({pseudonym.bytes(), insert_id.bytes(), token.bytes(), vault.public_key}));
  }
  if (written) {
    written =
        WriteKeyFile(fs, dir, Compartment::kCore, root, Join({store.bytes(), session.bytes()}));
  }
  if (written) {
    written = WriteKeyFile(fs, dir, Compartment::kVault, root,
                           Join({vault.public_key, vault.private_key.bytes(), subject_wrap.bytes(),
                                 blind_index.bytes()}));
  }
  return written;
}

}  // namespace

Result<void> CreateKeys(FileSystem& fs, const std::string& dir) {
  for (const char* name : kFileNames) {
    if (fs.Exists(dir + "/" + name)) {
      return Error{ErrorCode::kInvalid, dir + " already holds keys"};
    }
  }
  // All four files appear at once, by the rename of their directory; a crash before that leaves
  // only the staging one, which the next call writes over.
  const std::string staging = dir + ".new";
  if (Result<void> created = fs.CreateDirs(staging); !created) {
    return created;
  }
  if (Result<void> written = WriteAll(fs, staging); !written) {
    return written;
  }
  if (Result<void> renamed = fs.Rename(staging, dir); !renamed) {
    return renamed;
  }
  const size_t slash = dir.rfind('/');
  return fs.SyncDir(slash == std::string::npos ? "." : dir.substr(0, slash));
}

Result<SecretBytes> LoadRootKey(FileSystem& fs, const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Error{ErrorCode::kDenied, path + " can be read by other users: chmod 600 it"};
  }
  Result<std::string> text = fs.ReadWhole(path);
  if (!text) {
    return text.error();
  }
  std::string_view digits(*text);
  std::optional<std::string> key;
  if (digits.starts_with(kRootPrefix)) {
    digits.remove_prefix(kRootPrefix.size());
    if (digits.ends_with('\n')) {
      digits.remove_suffix(1);
    }
    key = HexDecode(digits);
  }
  Wipe(&*text);
  if (!key || key->size() != kKeyBytes) {
    return Error{ErrorCode::kCorruption, path + " is not a root key of a version that is known"};
  }
  SecretBytes root(*key);
  Wipe(&*key);
  return root;
}

Result<IntakeKeys> LoadIntakeKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root) {
  const Result<SecretBytes> body = ReadKeyFile(fs, dir, Compartment::kIntake, root, 4 * kKeyBytes);
  if (!body) {
    return body.error();
  }
  Parts parts(*body);
  IntakeKeys keys;
  keys.pseudonym_key = parts.Secret();
  keys.insert_id_key = parts.Secret();
  keys.token_key = parts.Secret();
  keys.vault_public_key = parts.Public();
  return keys;
}

Result<CoreKeys> LoadCoreKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root) {
  const Result<SecretBytes> body = ReadKeyFile(fs, dir, Compartment::kCore, root, 2 * kKeyBytes);
  if (!body) {
    return body.error();
  }
  Parts parts(*body);
  CoreKeys keys;
  keys.store_key = parts.Secret();
  keys.session_key = parts.Secret();
  return keys;
}

Result<VaultKeys> LoadVaultKeys(FileSystem& fs, const std::string& dir, const SecretBytes& root) {
  const Result<SecretBytes> body = ReadKeyFile(fs, dir, Compartment::kVault, root, 4 * kKeyBytes);
  if (!body) {
    return body.error();
  }
  Parts parts(*body);
  VaultKeys keys;
  keys.public_key = parts.Public();
  keys.private_key = parts.Secret();
  keys.subject_wrap_key = parts.Secret();
  keys.blind_index_key = parts.Secret();
  return keys;
}

namespace {

template <typename Load>
auto WithRootIn(FileSystem& fs, const std::string& dir, Load load)
    -> decltype(load(std::declval<const SecretBytes&>())) {
  const Result<SecretBytes> root = LoadRootKey(fs, dir + "/" + kFileNames[0]);
  if (!root) {
    return root.error();
  }
  return load(*root);
}

}  // namespace

Result<IntakeKeys> LoadIntakeKeys(FileSystem& fs, const std::string& dir) {
  return WithRootIn(fs, dir,
                    [&](const SecretBytes& root) { return LoadIntakeKeys(fs, dir, root); });
}
Result<CoreKeys> LoadCoreKeys(FileSystem& fs, const std::string& dir) {
  return WithRootIn(fs, dir, [&](const SecretBytes& root) { return LoadCoreKeys(fs, dir, root); });
}
Result<VaultKeys> LoadVaultKeys(FileSystem& fs, const std::string& dir) {
  return WithRootIn(fs, dir, [&](const SecretBytes& root) { return LoadVaultKeys(fs, dir, root); });
}

}  // namespace bulkhead
