#include "egress/ledger_files.h"

#include <fmt/format.h>

#include <utility>

#include "crypto/crypto.h"

namespace bulkhead {

Error NameLedgerFile(const std::string& name, const Error& error) {
  return {error.code, fmt::format("ledger: {}: {}", name, error.message)};
}

Result<LedgerFileRef> LedgerFileWriter::Write(LedgerFileKind kind, std::string_view bytes,
                                              SecretBytes key) {
  auto file = std::make_shared<LedgerFile>();
  file->number = next_file_++;
  file->bytes = bytes.size();
  file->sha256 = Sha256(bytes);
  file->key = std::move(key);
  names_.push_back(LedgerFileName(kind, file->number));
  if (Result<void> written = fs_.WriteFileAtomically(dir_ + "/" + names_.back(), bytes); !written) {
    names_.push_back(names_.back() + ".tmp");
    return written.error();
  }
  return LedgerFileRef(std::move(file));
}

Result<std::unique_ptr<MappedFile>> MapLedgerFile(FileSystem& fs, const std::string& dir,
                                                  LedgerFileKind kind, const LedgerFile& file) {
  const std::string name = LedgerFileName(kind, file.number);
  Result<std::unique_ptr<MappedFile>> map = fs.Map(dir + "/" + name);
  if (!map) {
    const bool missing = map.error().code == ErrorCode::kNotFound;
    return NameLedgerFile(name, missing ? Error{ErrorCode::kCorruption, "missing"} : map.error());
  }
  if ((*map)->bytes().size() != file.bytes) {
    return NameLedgerFile(name, {ErrorCode::kCorruption, "not of the size that it had"});
  }
  return map;
}

}  // namespace bulkhead
