#include "main/audit_access.h"

#include <optional>
#include <utility>

#include "crypto/keys.h"

namespace bulkhead {

Result<AuditLogSecrets> LoadAuditLogSecrets(FileSystem& fs, const DataDirectory& dir) {
  const Result<SecretBytes> root = LoadRootKey(fs, dir.Keys() + "/root.key");
  if (!root) {
    return root.error();
  }
  return AuditLogSecrets{DeriveKey(*root, "bulkhead v1 audit log signing key"),
                         DeriveKey(*root, "bulkhead v1 audit log subjects")};
}

Result<std::unique_ptr<AuditLog>> OpenAuditLog(FileSystem& fs, const DataDirectory& dir) {
  Result<AuditLogSecrets> secrets = LoadAuditLogSecrets(fs, dir);
  if (!secrets) {
    return secrets.error();
  }
  AuditLogOptions options;
  options.signing_seed = std::move(secrets->signing_seed);
  options.subjects_key = std::move(secrets->subjects_key);
  Result<std::unique_ptr<AuditLog>> log = AuditLog::Open(fs, dir.Audit(), std::move(options));
  if (!log) {
    return log;
  }
  const std::string key = (*log)->key().ToText() + "\n";
  const Result<std::string> there = fs.ReadWhole(dir.AuditPublicKey());
  if (!there || *there != key) {
    if (Result<void> written = fs.WriteFileAtomically(dir.AuditPublicKey(), key); !written) {
      return written.error();
    }
  }
  return log;
}

Result<NoteKey> LoadAuditPublicKey(FileSystem& fs, const std::string& path) {
  const Result<std::string> text = fs.ReadWhole(path);
  if (!text) {
    return text.error();
  }
  const std::optional<NoteKey> key = NoteKey::Parse(*text);
  if (!key || key->kind != NoteKeyKind::kLog) {
    return Error{ErrorCode::kCorruption, path + " is not the public key of a log"};
  }
  return *key;
}

}  // namespace bulkhead
