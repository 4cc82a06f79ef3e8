#include "base/file_system.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <thread>

namespace bulkhead {
namespace {

constexpr int kLockTries = 500;  // five seconds
constexpr std::chrono::milliseconds kLockPause{10};

Error FromErrno(std::string_view what, const std::string& path) {
  const int code = errno;
  return Error{code == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
               fmt::format("cannot {} {}: {}", what, path, std::strerror(code))};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

class RealAppendFile final : public AppendFile {
 public:
  RealAppendFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  Result<void> Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) {
        continue;
      }
      if (written <= 0) {
        return FromErrno("write", path_);
      }
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }
  Result<void> Sync() override {
    if (::fdatasync(fd_.get()) != 0) {
      return FromErrno("sync", path_);
    }
    return {};
  }
  Result<void> Truncate(uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) {
      return FromErrno("truncate", path_);
    }
    return {};
  }

 private:
  Descriptor fd_;
  std::string path_;
};

class RealReadFile final : public ReadFile {
 public:
  RealReadFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  Result<std::string> ReadAt(uint64_t offset, size_t size) const override {
    std::string bytes(size, '\0');
    size_t done = 0;
    while (done < size) {
      const ssize_t got =
          ::pread(fd_.get(), bytes.data() + done, size - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) {
        continue;
      }
      if (got < 0) {
        return FromErrno("read", path_);
      }
      if (got == 0) {
        break;
      }
      done += static_cast<size_t>(got);
    }
    bytes.resize(done);
    return bytes;
  }
  Result<uint64_t> Size() const override {
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0) {
      return FromErrno("stat", path_);
    }
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  Descriptor fd_;
  std::string path_;
};

class RealMappedFile final : public MappedFile {
 public:
  RealMappedFile(void* data, size_t size) : data_(data), size_(size) {}
  ~RealMappedFile() override {
    if (size_ > 0) {
      ::munmap(data_, size_);
    }
  }
  RealMappedFile(const RealMappedFile&) = delete;
  RealMappedFile& operator=(const RealMappedFile&) = delete;
  std::string_view bytes() const override { return {static_cast<const char*>(data_), size_}; }

 private:
  void* data_;
  size_t size_;
};

class RealPathLock final : public PathLock {
 public:
  explicit RealPathLock(int fd) : fd_(fd) {}

 private:
  Descriptor fd_;
};

class PosixFileSystem final : public FileSystem {
 public:
  PosixFileSystem(mode_t file_mode, mode_t directory_mode)
      : file_mode_(file_mode), directory_mode_(directory_mode) {}

  Result<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, file_mode_);
    if (fd < 0) {
      return FromErrno("open", path);
    }
    return std::unique_ptr<AppendFile>(new RealAppendFile(fd, path));
  }
  Result<std::unique_ptr<ReadFile>> OpenRead(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      return FromErrno("open", path);
    }
    return std::unique_ptr<ReadFile>(new RealReadFile(fd, path));
  }
  Result<std::unique_ptr<MappedFile>> Map(const std::string& path) override {
    const int raw = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (raw < 0) {
      return FromErrno("open", path);
    }
    const Descriptor fd(raw);
    struct stat info {};
    if (::fstat(raw, &info) != 0) {
      return FromErrno("stat", path);
    }
    const auto size = static_cast<size_t>(info.st_size);
    void* data = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_SHARED, raw, 0);
    if (data == MAP_FAILED) {
      return FromErrno("map", path);
    }
    return std::unique_ptr<MappedFile>(new RealMappedFile(data, size));
  }
  Result<std::string> ReadWhole(const std::string& path) override {
    Result<std::unique_ptr<ReadFile>> file = OpenRead(path);
    if (!file) {
      return file.error();
    }
    Result<uint64_t> size = (*file)->Size();
    if (!size) {
      return size.error();
    }
    return (*file)->ReadAt(0, static_cast<size_t>(*size));
  }
  Result<std::vector<std::string>> List(const std::string& dir) override {
    std::error_code code;
    std::vector<std::string> names;
    for (std::filesystem::directory_iterator it(dir, code), end; !code && it != end;
         it.increment(code)) {
      names.push_back(it->path().filename().string());
    }
    if (code) {
      return Error{ErrorCode::kUnavailable, fmt::format("cannot list {}: {}", dir, code.message())};
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  Result<void> Remove(const std::string& path) override {
    return ::remove(path.c_str()) == 0 ? Result<void>() : FromErrno("remove", path);
  }
  Result<void> Rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str()) == 0 ? Result<void>() : FromErrno("rename", from);
  }
  Result<void> CreateDirs(const std::string& dir) override {
    std::string prefix;
    for (size_t at = 0; at != std::string::npos;) {
      at = dir.find('/', at + 1);
      prefix = dir.substr(0, at);
      if (::mkdir(prefix.c_str(), directory_mode_) != 0 && errno != EEXIST) {
        return FromErrno("create", prefix);
      }
    }
    return {};
  }
  Result<void> SyncDir(const std::string& dir) override {
    const int raw = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (raw < 0) {
      return FromErrno("open", dir);
    }
    const Descriptor fd(raw);
    return ::fsync(raw) == 0 ? Result<void>() : FromErrno("sync", dir);
  }
  Result<uint64_t> FreeBytes(const std::string& dir) override {
    struct statvfs info {};
    if (::statvfs(dir.c_str(), &info) != 0) {
      return FromErrno("stat", dir);
    }
    return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  }
  bool Exists(const std::string& path) override { return ::access(path.c_str(), F_OK) == 0; }
  Result<std::unique_ptr<PathLock>> Lock(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, file_mode_);
    if (fd < 0) {
      return FromErrno("open", path);
    }
    auto lock = std::make_unique<RealPathLock>(fd);
    for (int tries = 0; ::flock(fd, LOCK_EX | LOCK_NB) != 0; ++tries) {
      if ((errno != EWOULDBLOCK && errno != EINTR) || tries >= kLockTries) {
        return FromErrno("lock", path);
      }
      std::this_thread::sleep_for(kLockPause);
    }
    return std::unique_ptr<PathLock>(std::move(lock));
  }

 private:
  mode_t file_mode_;
  mode_t directory_mode_;
};

}  // namespace

Result<std::unique_ptr<PathLock>> FileSystem::Lock(const std::string& path) {
  return Error{ErrorCode::kUnavailable, "no locks here for " + path};
}

Result<void> FileSystem::WriteFileAtomically(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  if (Exists(temporary)) {
    if (Result<void> removed = Remove(temporary); !removed) {
      return removed;
    }
  }
  {
    Result<std::unique_ptr<AppendFile>> file = OpenAppend(temporary);
    if (!file) {
      return file.error();
    }
    if (Result<void> written = (*file)->Append(bytes); !written) {
      return written;
    }
    if (Result<void> synced = (*file)->Sync(); !synced) {
      return synced;
    }
  }
  if (Result<void> renamed = Rename(temporary, path); !renamed) {
    return renamed;
  }
  const size_t slash = path.rfind('/');
  return SyncDir(slash == std::string::npos ? "." : path.substr(0, slash));
}

FileSystem& RealFileSystem() {
  static PosixFileSystem file_system(0600, 0700);
  return file_system;
}

FileSystem& GroupReadableFileSystem() {
  static PosixFileSystem file_system(0640, 0750);
  return file_system;
}

FileSystem& WorldReadableFileSystem() {
  static PosixFileSystem file_system(0644, 0755);
  return file_system;
}

}  // namespace bulkhead
