// Lines of a text file, plain or gzip, in bounded memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace bulkhead {

class LineReader {
 public:
  // Starts behind the first `skip_bytes` of the (inflated) text.
  static Result<std::unique_ptr<LineReader>> Open(const std::string& path, uint64_t skip_bytes);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // The next line without its end; nullopt at the end of the file. kLimit: a line longer than an
  // event may be (it is skipped, and reading may go on); kCorruption: the gzip data is damaged.
  Result<std::optional<std::string>> Next();

  [[nodiscard]] uint64_t offset() const { return offset_; }  // inflated bytes consumed
  [[nodiscard]] uint64_t compressed_offset() const;          // of the file itself, for progress

 private:
  explicit LineReader(void* file) : file_(file) {}
  Result<bool> Fill();

  void* file_;  // gzFile
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t offset_ = 0;
};

}  // namespace bulkhead
