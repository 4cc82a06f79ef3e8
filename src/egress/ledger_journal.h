// The ledger's journal: records that are each durable before the next is written. A file has one
// key and is given up at the first failure, so that no place in it is ever encrypted twice
// (docs/formats/ledger.md).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/block_file.h"

namespace bulkhead {

// Appends the record that lies at `offset` of its file.
void AppendJournalRecord(const BlockFile& cipher, uint64_t offset, std::string_view payload,
                         std::string* out);

// Not thread-safe.
class LedgerJournal {
 public:
  // The file and its name are durable when it returns. There is none of that name yet.
  static Result<std::unique_ptr<LedgerJournal>> Begin(FileSystem& fs, const std::string& dir,
                                                      uint64_t number);

  // Durable when it returns; not empty. After an error this object takes nothing more.
  Result<void> Append(std::string_view payload);
  // Says that nothing was cut off behind the last record: what is damaged then is told from what a
  // crash left. Without it the file is as good.
  void Close();

  [[nodiscard]] uint64_t number() const { return number_; }
  [[nodiscard]] const SecretBytes& key() const { return cipher_.key(); }
  [[nodiscard]] uint64_t records() const { return records_; }  // that are durable
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  LedgerJournal(uint64_t number, BlockFile cipher);
  Result<void> Put(std::string_view payload);

  const uint64_t number_;
  const BlockFile cipher_;
  std::unique_ptr<AppendFile> file_;
  uint64_t records_ = 0;
  uint64_t bytes_ = 0;
};

struct JournalRead {
  uint64_t records = 0;
  std::string last;  // the payload of the last one
};
using EachJournalRecord = std::function<Result<void>(std::string_view payload)>;

// Reads so many records; nothing: up to the end, or up to what a crash left of a record there.
// kCorruption: there are fewer, or one is damaged and a whole one or the end of the journal follows
// it. The error names the place.
Result<JournalRead> ReadLedgerJournal(std::string_view file, const SecretBytes& key,
                                      std::optional<uint64_t> records,
                                      const EachJournalRecord& each);

}  // namespace bulkhead
