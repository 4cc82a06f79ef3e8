#include "egress/file_sink.h"

#include <utility>

#include "egress/message_json.h"

namespace bulkhead {

Result<void> FileSink::Write(std::span<const OutboundMessage> messages, int64_t now_ms) {
  const std::string path = dir_ + "/" + IsoTime(now_ms).substr(0, 10) + ".ndjson";
  if (file_ == nullptr || path != path_) {
    Result<void> made = fs_.CreateDirs(dir_);
    Result<std::unique_ptr<AppendFile>> file =
        made ? fs_.OpenAppend(path) : Result<std::unique_ptr<AppendFile>>(made.error());
    if (!file) {
      return file.error();
    }
    file_ = *std::move(file);
    path_ = path;
    if (Result<void> synced = fs_.SyncDir(dir_); !synced) {
      return synced;
    }
  }
  std::string lines;
  for (const OutboundMessage& message : messages) {
    lines.append(MessageJson(message)).push_back('\n');
  }
  Result<void> written = file_->Append(lines);
  if (written) {
    written = file_->Sync();
  }
  if (!written) {
    file_.reset();
  }
  return written;
}

}  // namespace bulkhead
