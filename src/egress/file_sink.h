// The destination that is no vendor: NDJSON files in a directory of egress's own, one for each day
// of sending, one line a message. docs/vendors.md has the members.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "egress/outbound_message.h"

namespace bulkhead {

class FileSink {
 public:
  FileSink(FileSystem& fs, std::string dir) : fs_(fs), dir_(std::move(dir)) {}

  // Durable when it returns. After an error a line may be there once more, or half.
  Result<void> Write(std::span<const OutboundMessage> messages, int64_t now_ms);

 private:
  FileSystem& fs_;
  const std::string dir_;
  std::string path_;  // of file_
  std::unique_ptr<AppendFile> file_;
};

}  // namespace bulkhead
