// `bulkhead vault export ...`: the client's side of main/operator_exports.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "main/data_directory.h"

namespace bulkhead {

struct BulkExportCommand {
  std::string dir;
  uint32_t project = 1;
  std::string purpose;    // one of docs/vault.md
  std::string reference;  // a ticket's number or the like
  std::vector<std::string> fields;
  bool history = false;
  std::string recipient;  // public key, 64 hexadecimal digits
  std::string export_id;
  std::string key_file;  // of the recipient's key pair
  std::string out_file;
};

// A new key pair: the file keeps it, the public key is printed. An existing file is refused.
Result<void> CommandExportKey(const BulkExportCommand& command);
Result<void> CommandExportAsk(const BulkExportCommand& command);
Result<void> CommandExportList(const BulkExportCommand& command);
Result<void> CommandExportVeto(const BulkExportCommand& command);
// All pages of one whose time has come, opened with the recipient's key, as JSON lines in out_file.
Result<void> CommandExportCollect(const BulkExportCommand& command);

}  // namespace bulkhead
