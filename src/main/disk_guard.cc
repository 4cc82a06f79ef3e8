#include "main/disk_guard.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

namespace bulkhead {
namespace {

constexpr uint64_t kBlockBytes = 512;  // the unit of st_blocks, whatever the file system's is

Result<uint64_t> FreeBytes(const std::string& directory) {
  struct statvfs info {};
  if (::statvfs(directory.c_str(), &info) != 0) {
    return Error{ErrorCode::kUnavailable, fmt::format("cannot ask for free space at {}: {}",
                                                      directory, std::strerror(errno))};
  }
  return uint64_t{info.f_bavail} * info.f_frsize;
}

}  // namespace

Result<SpaceInUse> MeasureSpace(const std::string& directory) {
  namespace fs = std::filesystem;
  SpaceInUse use;
  std::set<std::pair<dev_t, ino_t>> seen_twice;  // files with more than one name
  std::error_code code;
  fs::recursive_directory_iterator walk(directory, code);
  if (code == std::errc::no_such_file_or_directory) return use;
  for (; !code && walk != fs::recursive_directory_iterator(); walk.increment(code)) {
    ++use.files;
    struct stat status {};
    if (::lstat(walk->path().c_str(), &status) != 0) continue;  // gone meanwhile
    if (status.st_nlink > 1 && !S_ISDIR(status.st_mode) &&
        !seen_twice.insert({status.st_dev, status.st_ino}).second) {
      continue;
    }
    use.bytes += static_cast<uint64_t>(status.st_blocks) * kBlockBytes;
  }
  // A directory that a compartment removes while it is walked ends the walk early; the next look
  // counts it all.
  if (code && code != std::errc::no_such_file_or_directory) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("cannot list {}: {}", directory, code.message())};
  }
  return use;
}

DiskGuard::DiskGuard(std::vector<DiskQuota> quotas, uint64_t min_free_bytes)
    : quotas_(std::move(quotas)), min_free_bytes_(min_free_bytes), last_(quotas_.size(), 0) {}

Result<std::vector<DiskUse>> DiskGuard::Look() {
  std::vector<DiskUse> uses;
  size_t fastest = quotas_.size();
  uint64_t most_growth = 0;
  bool low = false;
  for (size_t i = 0; i < quotas_.size(); ++i) {
    const DiskQuota& quota = quotas_[i];
    Result<SpaceInUse> use = MeasureSpace(quota.directory);
    if (!use) return use.error();
    const bool over = (quota.max_bytes > 0 && use->bytes > quota.max_bytes) ||
                      (quota.max_files > 0 && use->files > quota.max_files);
    uses.push_back({quota.compartment, use->bytes, use->files, over, false});
    const uint64_t growth = looked_ && use->bytes > last_[i] ? use->bytes - last_[i] : 0;
    if (growth > most_growth) {
      most_growth = growth;
      fastest = i;
    }
    last_[i] = use->bytes;
    if (Result<uint64_t> free = FreeBytes(quota.directory); free) low |= *free < min_free_bytes_;
  }
  looked_ = true;
  if (low && fastest < uses.size()) uses[fastest].ends_for_space = true;
  return uses;
}

}  // namespace bulkhead
