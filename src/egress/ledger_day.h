// One day's sends to a vendor in an epoch, as a file: for each subject, by ordinal, how often each
// set of fields was sent of it. docs/formats/ledger.md draws the bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/byte_codec.h"
#include "base/file_system.h"
#include "base/result.h"
#include "crypto/block_file.h"
#include "egress/ledger.h"
#include "egress/ledger_manifest.h"

namespace bulkhead {

struct DayPart {
  uint32_t set = 0;  // its number in the file
  uint64_t count = 0;
  friend bool operator==(const DayPart&, const DayPart&) = default;
};

struct DaySet {
  SentFields fields;
  uint64_t sends = 0;   // of all
  uint64_t nobody = 0;  // of these, of nobody
};

// Mapped, so that it stays readable when the file is removed. Thread-safe.
class DayFile {
 public:
  static Result<DayFile> Open(FileSystem& fs, const std::string& dir, const LedgerDayFile& file);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] int32_t day() const { return day_; }
  [[nodiscard]] const std::vector<DaySet>& sets() const { return sets_; }

 private:
  friend class DayCursor;
  struct Block {
    uint32_t entries = 0;
    uint64_t bytes = 0;  // with its tag
  };
  DayFile(std::string name, std::unique_ptr<MappedFile> map, BlockFile cipher)
      : name_(std::move(name)), map_(std::move(map)), cipher_(std::move(cipher)) {}
  Result<void> ReadFooter(const LedgerDayFile& file);
  bool DecodeFooter(std::string_view footer, const LedgerDayFile& file, uint64_t footer_at);

  std::string name_;
  std::unique_ptr<MappedFile> map_;
  BlockFile cipher_;
  int32_t day_ = 0;
  std::vector<DaySet> sets_;
  std::vector<Block> blocks_;
};

// Walks the subjects of a file by ordinal. Stands on the first from the start.
class DayCursor {
 public:
  // `ordinals`: how many the epoch has; the file outlives the cursor.
  DayCursor(const DayFile* file, uint32_t ordinals);
  DayCursor(const DayCursor&) = delete;
  DayCursor& operator=(const DayCursor&) = delete;

  // At the end, or where the file is damaged: status() says which.
  [[nodiscard]] bool AtEnd() const { return at_end_; }
  [[nodiscard]] uint32_t ordinal() const { return static_cast<uint32_t>(next_ordinal_ - 1); }
  [[nodiscard]] const std::vector<DayPart>& parts() const { return parts_; }  // by set
  void Next();
  [[nodiscard]] Result<void> status() const;

 private:
  void OpenBlock();
  bool ReadEntry();
  void EndWith(Error error);
  void CheckTotals();

  const DayFile* file_;
  uint64_t ordinals_;
  size_t block_ = 0;  // the next one
  uint64_t block_at_ = kBlockFileHeadBytes;
  uint32_t left_ = 0;  // entries of the open block
  std::string bytes_;  // of the open block
  ByteReader in_{std::string_view()};
  uint64_t next_ordinal_ = 0;
  std::vector<DayPart> parts_;
  std::vector<uint64_t> seen_;  // sends by set
  bool at_end_ = false;
  std::optional<Error> error_;
};

// Makes such a file.
class DayBuilder {
 public:
  // Sets in the order of their numbers: those that come often first, since they are shorter then.
  DayBuilder(int32_t day, std::vector<SentFields> sets);

  // Ordinals ascend, sets too; counts are not 0.
  void Add(uint32_t ordinal, std::span<const DayPart> parts);
  void AddNobody(uint32_t set, uint64_t count);
  // All bytes of the file.
  std::string Finish();

  [[nodiscard]] const SecretBytes& key() const { return cipher_.key(); }
  [[nodiscard]] uint64_t sends() const;
  [[nodiscard]] uint32_t subjects() const { return subjects_; }

 private:
  void EndBlock();

  const int32_t day_;
  const std::vector<SentFields> sets_;
  const BlockFile cipher_;
  std::string file_;
  std::string block_;
  uint32_t block_entries_ = 0;
  std::string index_;
  uint64_t blocks_ = 0;
  uint64_t next_ordinal_ = 0;
  uint32_t subjects_ = 0;
  std::vector<uint64_t> sends_;
  std::vector<uint64_t> nobody_;
};

}  // namespace bulkhead
