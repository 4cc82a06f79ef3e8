// Bulk exports of the vault, as an operator asks for them on the host: docs/vault.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "main/vault_client.h"

namespace bulkhead {

struct ExportCommand {
  std::string kind;  // "export-ask", "export-list", "export-veto" or "export-page"
  VaultAsker asker;
  std::vector<std::string> fields;  // of an ask; empty: every field
  bool history = false;
  std::string recipient;  // of an ask: an X25519 public key, 64 hexadecimal digits
  std::string export_id;
  std::string after;  // of a page: the last subject of the one before; empty: the first page
};

inline bool IsExportCommand(std::string_view kind) { return kind.starts_with("export-"); }

// A JSON value: what an export is, a list of these, or {"sealed":"<base64>","last":"<hex>",
// "subjects":N}.
Result<std::string> AnswerExportCommand(const ExportCommand& command, VaultClient* vault);

}  // namespace bulkhead
