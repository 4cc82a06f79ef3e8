#include "vault/file_key.h"

#include <utility>

#include "crypto/sealed_file.h"
#include "vault/plain_database.h"

namespace bulkhead {
namespace {

constexpr SealedKind kKind{"BKVKEY01", "vault"};
constexpr std::string_view kLabel = "bulkhead v1 vault database ";

// The name of a database in `dir` that only a file key opens; empty: there is none.
Result<std::string> EncryptedDatabase(FileSystem& fs, const std::string& dir) {
  const Result<std::vector<std::string>> names = fs.List(dir);
  if (!names) {
    return names.error();
  }
  for (const std::string& name : *names) {
    if (!name.ends_with(".db")) {
      continue;
    }
    const Result<DatabaseForm> form = FormOfDatabase(fs, dir + "/" + name);
    if (!form) {
      return form.error();
    }
    if (*form == DatabaseForm::kEncrypted) {
      return name;
    }
  }
  return std::string();
}

}  // namespace

Result<VaultFileKey> VaultFileKey::Open(FileSystem& fs, const std::string& dir,
                                        const KeyRing& wrap_keys) {
  VaultFileKey opened(fs, dir + "/file_key");
  if (!fs.Exists(opened.path_)) {
    const Result<std::string> orphan = EncryptedDatabase(fs, dir);
    if (!orphan) {
      return orphan.error();
    }
    if (!orphan->empty()) {
      return Error{ErrorCode::kCorruption,
                   opened.path_ + " is missing: without it " + *orphan + " does not open"};
    }
    opened.key_ = RandomSecret(kKeyBytes);
    const Result<void> written = opened.Write(wrap_keys);
    return written ? Result<VaultFileKey>(std::move(opened)) : written.error();
  }
  const Result<std::string> bytes = fs.ReadWhole(opened.path_);
  if (!bytes) {
    return bytes.error();
  }
  Result<SealedFile> file = DecryptFile(wrap_keys, kKind, *bytes);
  if (!file && file.error().code == ErrorCode::kDenied) {
    return Error{ErrorCode::kUnavailable,
                 opened.path_ +
                     ": lies under a subject-wrap key that was retired; a newer copy of "
                     "this file is needed"};
  }
  if (!file || file->secrets.size() != kKeyBytes) {
    return Error{ErrorCode::kCorruption,
                 opened.path_ + ": " + (file ? "holds no key" : file.error().message)};
  }
  opened.key_ = std::move(file->secrets);
  opened.wrap_key_ = file->ring_key;
  return opened;
}

SecretBytes VaultFileKey::For(std::string_view file_name) const {
  return DeriveKey(key_, std::string(kLabel).append(file_name));
}

Result<void> VaultFileKey::Rewrap(const KeyRing& wrap_keys) {
  return wrap_key_ == wrap_keys.newest().id ? Result<void>() : Write(wrap_keys);
}

Result<void> VaultFileKey::Write(const KeyRing& wrap_keys) {
  Result<void> written =
      fs_->WriteFileAtomically(path_, EncryptFile(wrap_keys, kKind, key_, std::string_view()));
  if (written) {
    wrap_key_ = wrap_keys.newest().id;
  }
  return written;
}

}  // namespace bulkhead
