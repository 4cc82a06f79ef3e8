#include "vault/bulk_exports.h"

#include <utility>

namespace bulkhead {
namespace {

// `request` is the call as it came (vault/vault_messages.h).
constexpr const char* kSchema =
    "CREATE TABLE exports (id TEXT PRIMARY KEY, project INTEGER NOT NULL, request BLOB NOT NULL,"
    " asked_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, vetoed_by TEXT) STRICT, WITHOUT ROWID;";

ExportState StateOf(const ExportInfo& info, int64_t now_ms) {
  if (!info.vetoed_by.empty()) {
    return ExportState::kVetoed;
  }
  if (now_ms >= info.due_ms + kExportCollectMs) {
    return ExportState::kExpired;
  }
  return now_ms >= info.due_ms ? ExportState::kReady : ExportState::kWaiting;
}

}  // namespace

Result<BulkExports> BulkExports::Open(FileSystem& fs, const std::string& path,
                                      const SecretBytes& file_key) {
  Result<VaultDatabase> database = VaultDatabase::Open(
      fs, {.path = path, .schema = kSchema, .version = 1, .upgrades = {}}, file_key);
  if (!database) {
    return database.error();
  }
  return BulkExports(std::move(*database));
}

Result<ExportInfo> BulkExports::Add(const ExportAskCall& call, int64_t now_ms, int64_t lock_ms) {
  const Result<uint64_t> open = CountOpen(now_ms);
  if (!open) {
    return open.error();
  }
  if (*open >= kMaxWaitingExports) {
    return Error{ErrorCode::kLimit, "vault: " + std::to_string(kMaxWaitingExports) +
                                        " exports are waiting; no more are taken"};
  }
  ExportInfo info;
  info.export_id = RandomHex(16);
  info.asker = call.asker;
  info.fields = call.fields;
  info.subjects = call.subjects.size();
  info.asked_ms = now_ms;
  info.due_ms = now_ms + lock_ms;
  const std::string request = EncodeVaultCall(call);
  const Result<void> done = database_.Run(
      "INSERT INTO exports (id, project, request, asked_ms, due_ms) VALUES (?, ?, ?, ?, ?)",
      {std::string_view(info.export_id), int64_t{call.asker.project.value}, Blob{request},
       info.asked_ms, info.due_ms});
  return done ? Result<ExportInfo>(std::move(info)) : done.error();
}

Result<BulkExport> BulkExports::FromRow(const SqlRows& row, int64_t now_ms) const {
  Result<VaultCall> call = DecodeVaultCall(row.Bytes(1));
  if (!call || !std::holds_alternative<ExportAskCall>(*call)) {
    return Error{ErrorCode::kCorruption, "vault: a waiting export cannot be read"};
  }
  BulkExport found;
  found.call = std::get<ExportAskCall>(*std::move(call));
  found.info.export_id = row.Bytes(0);
  found.info.asker = found.call.asker;
  found.info.fields = found.call.fields;
  found.info.subjects = found.call.subjects.size();
  found.info.asked_ms = row.Number(2);
  found.info.due_ms = row.Number(3);
  found.info.vetoed_by = row.Bytes(4);
  found.info.state = StateOf(found.info, now_ms);
  return found;
}

Result<std::vector<ExportInfo>> BulkExports::List(ProjectId project, int64_t now_ms) {
  Result<SqlRows> rows = database_.Start(
      "SELECT id, request, asked_ms, due_ms, vetoed_by FROM exports WHERE project = ?"
      " ORDER BY asked_ms, id",
      {int64_t{project.value}});
  if (!rows) {
    return rows.error();
  }
  std::vector<ExportInfo> list;
  Result<bool> row = rows->Step();
  for (; row && *row; row = rows->Step()) {
    Result<BulkExport> found = FromRow(*rows, now_ms);
    if (!found) {
      return found.error();
    }
    list.push_back(std::move(found->info));
  }
  if (!row) {
    return row.error();
  }
  return list;
}

Result<BulkExport> BulkExports::Find(ProjectId project, std::string_view export_id,
                                     int64_t now_ms) {
  Result<SqlRows> rows = database_.Start(
      "SELECT id, request, asked_ms, due_ms, vetoed_by FROM exports WHERE id = ? AND project = ?",
      {export_id, int64_t{project.value}});
  if (!rows) {
    return rows.error();
  }
  const Result<bool> row = rows->Step();
  if (!row) {
    return row.error();
  }
  if (!*row) {
    return Error{ErrorCode::kNotFound, "vault: no such export"};
  }
  return FromRow(*rows, now_ms);
}

Result<void> BulkExports::Veto(std::string_view export_id, std::string_view actor) {
  return database_.Run("UPDATE exports SET vetoed_by = ? WHERE id = ? AND vetoed_by IS NULL",
                       {actor, export_id});
}

Result<uint64_t> BulkExports::CountOpen(int64_t now_ms) {
  const Result<int64_t> count =
      database_.Number("SELECT count(*) FROM exports WHERE vetoed_by IS NULL AND due_ms > ?", 0,
                       {now_ms - kExportCollectMs});
  return count ? Result<uint64_t>(static_cast<uint64_t>(*count)) : count.error();
}

Result<void> BulkExports::Forget(int64_t now_ms) {
  return database_.Run("DELETE FROM exports WHERE asked_ms < ?", {now_ms - kExportKeepMs});
}

}  // namespace bulkhead
