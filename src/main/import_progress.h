// How far a file has been imported: the start of the first batch that is not yet acknowledged.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"

namespace bulkhead {

class ImportProgress {
 public:
  // Reads what an earlier run left for this file, recognised by path, size and time of change.
  static Result<ImportProgress> Open(const std::string& progress_dir, const std::string& path);

  [[nodiscard]] uint64_t offset() const { return offset_; }
  [[nodiscard]] uint64_t lines() const { return lines_; }
  [[nodiscard]] const std::string& file_key() const { return file_key_; }
  [[nodiscard]] uint64_t file_bytes() const { return file_bytes_; }

  // Batches are numbered in the order read; acknowledgements may come in any order.
  void Acknowledge(uint64_t batch, uint64_t end_offset, uint64_t end_lines);
  Result<void> Save();

 private:
  struct End {
    uint64_t offset;
    uint64_t lines;
  };
  std::string state_path_;
  std::string file_key_;
  uint64_t file_bytes_ = 0;
  uint64_t offset_ = 0;
  uint64_t lines_ = 0;
  uint64_t next_batch_ = 0;
  std::map<uint64_t, End> early_;
};

}  // namespace bulkhead
