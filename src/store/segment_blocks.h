// A segment file's sections and blocks, checked: encrypted ones (version 2) open with the file's
// key, plain ones (version 1, no longer written) match their checksum. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/block_file.h"
#include "store/segment_format.h"

namespace bulkhead {

class SegmentBlocks {
 public:
  SegmentBlocks() = default;
  // `file` outlives this. An empty `key` is that of a plain file; a file that is not what the key
  // says is refused, so that none can be slipped in as plain.
  static Result<SegmentBlocks> Open(std::string_view file, const SecretBytes& key);

  [[nodiscard]] Result<SegmentFooter> ReadFooter() const;

  // The view lies in the file or in `scratch`.
  [[nodiscard]] Result<std::string_view> Read(const FileSection& section,
                                              std::string* scratch) const;
  [[nodiscard]] Result<std::string_view> Read(const BlockList::Block& block,
                                              std::string* scratch) const;
  // `out` has the section's size without its tag.
  Result<void> ReadInto(const FileSection& section, std::span<uint8_t> out) const;

  // Without bytes where the file is plain.
  [[nodiscard]] const SecretBytes& key() const;

 private:
  std::string_view file_;
  std::optional<BlockFile> cipher_;  // none: plain
};

}  // namespace bulkhead
