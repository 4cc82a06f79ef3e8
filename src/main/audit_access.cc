#include "main/audit_access.h"

#include <optional>
#include <string_view>
#include <utility>

#include "crypto/keys.h"

namespace bulkhead {

std::string LogKeysText(const LogKeys& keys) {
  std::string text;
  for (const NoteKey& key : keys) {
    text += key.ToText() + "\n";
  }
  return text;
}

Result<LogKeys> LoadLogKeys(FileSystem& fs, const std::string& path) {
  const Result<std::string> text = fs.ReadWhole(path);
  if (!text) {
    return text.error();
  }
  LogKeys keys;
  std::string_view rest(*text);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
    const std::optional<NoteKey> key = NoteKey::Parse(rest.substr(0, end));
    if (!key || key->kind != NoteKeyKind::kLog) {
      return Error{ErrorCode::kCorruption, path + " has a line that is not a log's public key"};
    }
    keys.push_back(*key);
    rest.remove_prefix(end);
  }
  return keys;
}

Result<std::unique_ptr<AuditLog>> OpenAuditLog(FileSystem& fs, const DataDirectory& dir) {
  Result<AuditKeys> keys = LoadAuditKeys(fs, dir.Keys());
  return keys ? OpenAuditLog(fs, dir, *std::move(keys))
              : Result<std::unique_ptr<AuditLog>>(keys.error());
}

Result<std::unique_ptr<AuditLog>> OpenAuditLog(FileSystem& fs, const DataDirectory& dir,
                                               AuditKeys keys) {
  AuditLogOptions options;
  options.signing_seeds = std::move(keys.signing_seeds);
  options.subjects_keys = std::move(keys.payload_keys);
  Result<std::unique_ptr<AuditLog>> log = AuditLog::Open(fs, dir.Audit(), std::move(options));
  if (!log) {
    return log;
  }
  const std::string text = LogKeysText((*log)->keys());
  const Result<std::string> there = fs.ReadWhole(dir.AuditPublicKey());
  if (!there || *there != text) {
    if (Result<void> written = fs.WriteFileAtomically(dir.AuditPublicKey(), text); !written) {
      return written.error();
    }
  }
  return log;
}

}  // namespace bulkhead
