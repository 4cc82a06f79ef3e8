#include "incident/notice_credential.h"

#include "crypto/sealed_file.h"

namespace bulkhead {
namespace {

constexpr SealedKind kKind{"BHRELY01", "relay"};

}  // namespace

Result<std::unique_ptr<NoticeCredential>> NoticeCredential::Open(FileSystem& fs, std::string path,
                                                                 const KeyRing& keys) {
  std::unique_ptr<NoticeCredential> credential(new NoticeCredential(fs, std::move(path), keys));
  if (!fs.Exists(credential->path_)) return credential;
  const Result<std::string> bytes = fs.ReadWhole(credential->path_);
  if (!bytes) {
    return bytes.error();
  }
  Result<SealedFile> file = DecryptFile(keys, kKind, *bytes);
  if (!file) {
    return Error{file.error().code, credential->path_ + ": " + file.error().message};
  }
  credential->password_ = std::move(file->secrets);
  if (file->ring_key == keys.newest().id) return credential;
  const Result<void> rewrapped = credential->Write(credential->password_);
  return rewrapped ? Result<std::unique_ptr<NoticeCredential>>(std::move(credential))
                   : rewrapped.error();
}

Result<void> NoticeCredential::Write(const SecretBytes& password) {
  return fs_.WriteFileAtomically(path_, EncryptFile(keys_, kKind, password, ""));
}

Result<void> NoticeCredential::Set(const SecretBytes& password) {
  const std::lock_guard lock(mutex_);
  if (Result<void> written = Write(password); !written) {
    return written;
  }
  password_ = SecretBytes(password.view());
  ++changes_;
  return {};
}

SecretBytes NoticeCredential::Get() const {
  const std::lock_guard lock(mutex_);
  return SecretBytes(password_.view());
}

uint64_t NoticeCredential::changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}

}  // namespace bulkhead
