#include "crypto/keys_v1.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace bulkhead {
namespace {

constexpr std::string_view kMagic = "BHKEYS\x01";

// In the order of their bytes in the body. A pair's public and private half stand side by side; the
// vault's public key, which intake's file repeats, is left out there.
struct Version1File {
  std::string_view name;
  char compartment;
  size_t body_bytes;
  std::vector<KeyPurpose> purposes;
};

const std::array<Version1File, 3>& Files() {
  using enum KeyPurpose;
  static const std::array<Version1File, 3> files{{
      {"intake.keys", 1, 4 * kKeyBytes, {kPseudonym, kInsertId, kToken}},
      {"core.keys", 2, 2 * kKeyBytes, {kStore, kSession}},
      {"vault.keys", 3, 4 * kKeyBytes, {kVaultSeal, kSubjectWrap, kBlindIndex}},
  }};
  return files;
}

std::string PathOf(const std::string& dir, const Version1File& file) {
  return dir + "/" + std::string(file.name);
}

Result<SecretBytes> ReadBody(FileSystem& fs, const std::string& path, const Version1File& file,
                             const SecretBytes& root) {
  const Result<std::string> bytes = fs.ReadWhole(path);
  if (!bytes) {
    return bytes.error();
  }
  const std::string header = std::string(kMagic) + file.compartment;
  if (!bytes->starts_with(header)) {
    return Error{ErrorCode::kCorruption, path + " is not a key file of version 1"};
  }
  Result<SecretBytes> body =
      AeadDecrypt(DeriveKey(root, "bulkhead v1 key file " + std::string(file.name)),
                  std::string_view(*bytes).substr(header.size()), header);
  if (!body || body->size() != file.body_bytes) {
    return Error{ErrorCode::kCorruption, path + " does not open: changed, or another root key"};
  }
  return body;
}

}  // namespace

bool HasVersion1Keys(FileSystem& fs, const std::string& dir) {
  return std::any_of(Files().begin(), Files().end(),
                     [&](const Version1File& file) { return fs.Exists(PathOf(dir, file)); });
}

Result<KeyFile> ReadVersion1Keys(FileSystem& fs, const std::string& dir, const SecretBytes& root,
                                 int64_t now_ms) {
  KeyFile keys;
  for (const Version1File& file : Files()) {
    const Result<SecretBytes> body = ReadBody(fs, PathOf(dir, file), file, root);
    if (!body) {
      return body.error();
    }
    size_t at = 0;
    for (const KeyPurpose purpose : file.purposes) {
      const size_t size = KeyPurposeBytes(purpose);
      KeyEntry entry{purpose, KeyState::kNewest, 1, now_ms,
                     SecretBytes(body->view().substr(at, size))};
      at += size;
      AddNewestKey(ScopeHas(KeyScope::kFileVault, purpose) ? &keys.vault() : &keys.main(),
                   std::move(entry));
    }
  }
  return keys;
}

Result<void> RemoveVersion1Keys(FileSystem& fs, const std::string& dir) {
  for (const Version1File& file : Files()) {
    const std::string path = PathOf(dir, file);
    if (fs.Exists(path)) {
      if (Result<void> removed = fs.Remove(path); !removed) {
        return removed;
      }
    }
  }
  return fs.SyncDir(dir);
}

}  // namespace bulkhead
