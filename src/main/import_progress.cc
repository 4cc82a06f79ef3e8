#include "main/import_progress.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <string_view>

#include "base/file_system.h"

namespace bulkhead {
namespace {

// FNV-1a: names a file's progress and its made-up insert ids; nothing secret hangs on it.
uint64_t Fingerprint(std::string_view text) {
  uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  return hash;
}

}  // namespace

Result<ImportProgress> ImportProgress::Open(const std::string& progress_dir,
                                            const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return Error{ErrorCode::kNotFound, "cannot open " + path};
  }
  std::error_code code;
  const std::string full = std::filesystem::absolute(path, code).string();
  ImportProgress progress;
  progress.file_bytes_ = static_cast<uint64_t>(info.st_size);
  progress.file_key_ = fmt::format(
      "{:016x}", Fingerprint(fmt::format("{}|{}|{}", full, info.st_size, info.st_mtime)));
  progress.state_path_ = progress_dir + "/" + progress.file_key_;
  if (Result<void> made = RealFileSystem().CreateDirs(progress_dir); !made) {
    return made.error();
  }
  if (Result<std::string> text = RealFileSystem().ReadWhole(progress.state_path_); text) {
    if (std::sscanf(text->c_str(), "%" SCNu64 " %" SCNu64, &progress.offset_, &progress.lines_) !=
        2) {
      return Error{ErrorCode::kCorruption,
                   progress.state_path_ + " is damaged; remove it to import the file anew"};
    }
  }
  return progress;
}

void ImportProgress::Acknowledge(uint64_t batch, uint64_t end_offset, uint64_t end_lines) {
  early_[batch] = End{end_offset, end_lines};
  for (auto it = early_.find(next_batch_); it != early_.end(); it = early_.find(next_batch_)) {
    offset_ = it->second.offset;
    lines_ = it->second.lines;
    early_.erase(it);
    ++next_batch_;
  }
}

Result<void> ImportProgress::Save() {
  return RealFileSystem().WriteFileAtomically(state_path_, fmt::format("{} {}\n", offset_, lines_));
}

}  // namespace bulkhead
