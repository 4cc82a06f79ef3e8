// Writing and mapping the ledger's files that are written once, by number.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "egress/ledger_format.h"
#include "egress/ledger_manifest.h"

namespace bulkhead {

// "ledger: NAME: what"; the code stays.
Error NameLedgerFile(const std::string& name, const Error& error);

// Numbers of one change, and what was written for it. Not thread-safe.
class LedgerFileWriter {
 public:
  // `next_file` is the first free number; it is moved on, by others too.
  LedgerFileWriter(FileSystem& fs, std::string dir, std::atomic<uint64_t>* next_file)
      : fs_(fs), dir_(std::move(dir)), next_file_(*next_file) {}

  // Durable when it returns, but for the manifest that is to name it.
  Result<LedgerFileRef> Write(LedgerFileKind kind, std::string_view bytes, SecretBytes key);

  // Of all that was begun, an unfinished one too.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

 private:
  FileSystem& fs_;
  const std::string dir_;
  std::atomic<uint64_t>& next_file_;
  std::vector<std::string> names_;
};

// kCorruption: missing, or of another size than the manifest says.
Result<std::unique_ptr<MappedFile>> MapLedgerFile(FileSystem& fs, const std::string& dir,
                                                  LedgerFileKind kind, const LedgerFile& file);

}  // namespace bulkhead
