// The file system as a seam: everything durable goes through it, so that a test can fail or cut off
// any step.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulkhead {

class AppendFile {
 public:
  virtual ~AppendFile() = default;
  // All of `bytes`, or an error after which an unknown part of them may be in the file.
  virtual Result<void> Append(std::string_view bytes) = 0;
  virtual Result<void> Sync() = 0;  // data and size are durable afterwards
  virtual Result<void> Truncate(uint64_t size) = 0;
};

class ReadFile {
 public:
  virtual ~ReadFile() = default;
  // Up to `size` bytes; fewer only at the end of the file.
  virtual Result<std::string> ReadAt(uint64_t offset, size_t size) const = 0;
  [[nodiscard]] virtual Result<uint64_t> Size() const = 0;
};

// A file's bytes in memory; unmapped when destroyed.
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  [[nodiscard]] virtual std::string_view bytes() const = 0;
};

// Held until destroyed, or until the process ends.
class PathLock {
 public:
  virtual ~PathLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual Result<std::unique_ptr<AppendFile>> OpenAppend(
      const std::string& path) = 0;  // made if absent, mode 0600
  virtual Result<std::unique_ptr<ReadFile>> OpenRead(const std::string& path) = 0;
  virtual Result<std::unique_ptr<MappedFile>> Map(const std::string& path) = 0;
  virtual Result<std::string> ReadWhole(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> List(
      const std::string& dir) = 0;                           // names, sorted; directories too
  virtual Result<void> Remove(const std::string& path) = 0;  // a file, or an empty directory
  virtual Result<void> Rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> CreateDirs(const std::string& dir) = 0;  // mode 0700
  virtual Result<void> SyncDir(const std::string& dir) = 0;
  virtual Result<uint64_t> FreeBytes(const std::string& dir) = 0;
  virtual bool Exists(const std::string& path) = 0;
  // Keeps others who lock the same path waiting, in this process and in others. The file is made if
  // absent and never removed. kUnavailable after some seconds, or where there are no locks.
  virtual Result<std::unique_ptr<PathLock>> Lock(const std::string& path);

  // Temporary file beside it, fsync, rename, fsync of the directory: afterwards the file has either
  // its old bytes or all of the new ones, whatever happens.
  Result<void> WriteFileAtomically(const std::string& path, std::string_view bytes);
};

FileSystem& RealFileSystem();
// The same, but what it makes can be read by the group of the directory that it lies in (0640,
// 0750), as far as the umask lets it: for the log, which other compartments follow.
FileSystem& GroupReadableFileSystem();
// The same, readable by everybody (0644, 0755): for what is no secret and several compartments
// read.
FileSystem& WorldReadableFileSystem();

}  // namespace bulkhead
