#include "base/faulty_file_system.h"

#include <algorithm>
#include <random>
#include <set>
#include <utility>

namespace bulkhead {
namespace {

constexpr size_t kTornBlockBytes = 512;

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

Error NotFound(const std::string& path) { return {ErrorCode::kNotFound, "no such file: " + path}; }

}  // namespace

struct FaultyFileSystem::File {
  std::string data;                             // what reads see
  std::string durable;                          // what a power loss leaves
  std::vector<std::pair<size_t, size_t>> lost;  // begin and end in `data`: a sync of these failed

  [[nodiscard]] std::string WithoutLost() const {
    std::string bytes = data;
    for (const auto& [begin, end] : lost) {
      const size_t stop = std::min(end, bytes.size());
      for (size_t i = begin; i < stop; ++i) {
        bytes[i] = '\0';
      }
    }
    return bytes;
  }
};

struct FaultyFileSystem::State {
  using Names = std::map<std::string, std::shared_ptr<File>>;
  // One change of names that a SyncDir of `dir` makes durable, as a whole; null = the name goes.
  struct NameChange {
    std::string dir;
    std::vector<std::pair<std::string, std::shared_ptr<File>>> names;
  };

  std::mutex mutex;
  Names live;
  Names durable;
  std::vector<NameChange> pending;
  std::set<std::string> dirs{"/"};  // durable at once
  std::set<std::string> locks;      // held
  uint64_t steps = 0;
  uint64_t fail_from = 0;
  uint64_t fail_until = 0;
  Fault fault = Fault::kNone;
  bool crashed = false;
  uint64_t free_bytes = uint64_t{1} << 40;

  // Counts a step and tells what strikes it.
  Fault Step() {
    const uint64_t step = steps++;
    if (crashed) {
      return Fault::kCrash;
    }
    if (step < fail_from || step >= fail_until) {
      return Fault::kNone;
    }
    crashed = fault == Fault::kCrash;
    return fault;
  }
  static Error Failure(Fault fault) {
    return {ErrorCode::kUnavailable, fault == Fault::kNoSpace ? "no space left (injected)"
                                     : fault == Fault::kCrash ? "crashed (injected)"
                                                              : "input/output error (injected)"};
  }
  void Change(NameChange change) {
    Apply(change, &live);
    pending.push_back(std::move(change));
  }
  static void Apply(const NameChange& change, Names* names) {
    for (const auto& [name, file] : change.names) {
      if (file) {
        (*names)[name] = file;
      } else {
        names->erase(name);
      }
    }
  }
  bool RemoveEmptyDir(const std::string& path) {
    const auto file = live.lower_bound(path + "/");
    const auto dir = dirs.lower_bound(path + "/");
    const bool is_empty = (file == live.end() || !file->first.starts_with(path + "/")) &&
                          (dir == dirs.end() || !dir->starts_with(path + "/"));
    return is_empty && dirs.erase(path) > 0;
  }
  std::shared_ptr<File> Get(const std::string& path) {
    const auto found = live.find(path);
    return crashed || found == live.end() ? nullptr : found->second;
  }
};

class FaultyFileSystem::Appender final : public AppendFile {
 public:
  Appender(std::shared_ptr<State> state, std::shared_ptr<File> file)
      : state_(std::move(state)), file_(std::move(file)) {}

  Result<void> Append(std::string_view bytes) override {
    const std::lock_guard lock(state_->mutex);
    const bool was_crashed = state_->crashed;
    const Fault fault = state_->Step();
    if (fault == Fault::kNone) {
      file_->data += bytes;
      return {};
    }
    if (fault == Fault::kShortWrite || (fault == Fault::kCrash && !was_crashed)) {
      file_->data += bytes.substr(0, bytes.size() / 2);
    }
    return State::Failure(fault);
  }
  Result<void> Sync() override {
    const std::lock_guard lock(state_->mutex);
    if (const Fault fault = state_->Step(); fault != Fault::kNone) {
      if (fault != Fault::kCrash && file_->data.size() > file_->durable.size()) {
        file_->lost.emplace_back(file_->durable.size(), file_->data.size());
      }
      return State::Failure(fault);
    }
    file_->durable = file_->WithoutLost();
    return {};
  }
  Result<void> Truncate(uint64_t size) override {
    const std::lock_guard lock(state_->mutex);
    if (const Fault fault = state_->Step(); fault != Fault::kNone) {
      return State::Failure(fault);
    }
    const auto bytes = static_cast<size_t>(size);
    file_->data.resize(bytes);
    std::erase_if(file_->lost, [&](const auto& range) { return range.first >= bytes; });
    for (auto& range : file_->lost) {
      range.second = std::min(range.second, bytes);
    }
    return {};
  }

 private:
  std::shared_ptr<State> state_;
  std::shared_ptr<File> file_;
};

class FaultyFileSystem::Reader final : public ReadFile {
 public:
  Reader(std::shared_ptr<State> state, std::shared_ptr<File> file)
      : state_(std::move(state)), file_(std::move(file)) {}

  Result<std::string> ReadAt(uint64_t offset, size_t size) const override {
    const std::lock_guard lock(state_->mutex);
    if (state_->crashed) {
      return State::Failure(Fault::kCrash);
    }
    return offset >= file_->data.size() ? std::string()
                                        : file_->data.substr(static_cast<size_t>(offset), size);
  }
  [[nodiscard]] Result<uint64_t> Size() const override {
    const std::lock_guard lock(state_->mutex);
    return uint64_t{file_->data.size()};
  }

 private:
  std::shared_ptr<State> state_;
  std::shared_ptr<File> file_;
};

// A copy: the files of ours that are mapped never change.
class FaultyFileSystem::Mapping final : public MappedFile {
 public:
  explicit Mapping(std::string bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] std::string_view bytes() const override { return bytes_; }

 private:
  std::string bytes_;
};

FaultyFileSystem::FaultyFileSystem() : state_(std::make_shared<State>()) {}
FaultyFileSystem::~FaultyFileSystem() = default;

void FaultyFileSystem::FailAt(uint64_t step, Fault fault, uint64_t times) {
  const std::lock_guard lock(state_->mutex);
  state_->fail_from = state_->steps + step;
  state_->fail_until = state_->fail_from + times < times ? UINT64_MAX : state_->fail_from + times;
  state_->fault = fault;
}

void FaultyFileSystem::Heal() { FailAt(0, Fault::kNone, 0); }

uint64_t FaultyFileSystem::steps() const {
  const std::lock_guard lock(state_->mutex);
  return state_->steps;
}

bool FaultyFileSystem::crashed() const {
  const std::lock_guard lock(state_->mutex);
  return state_->crashed;
}

void FaultyFileSystem::SetFreeBytes(uint64_t bytes) {
  const std::lock_guard lock(state_->mutex);
  state_->free_bytes = bytes;
}

namespace {

// What may be on the medium of a file whose `live` bytes go on after its `durable` ones.
std::string TornBytes(const std::string& durable, const std::string& live,
                      std::mt19937_64* random) {
  if (live.size() < durable.size() || live.compare(0, durable.size(), durable) != 0) {
    return (*random)() % 2 == 0 ? durable : live;
  }
  const size_t extra = live.size() - durable.size();
  std::string bytes = live.substr(0, durable.size() + (*random)() % (extra + 1));
  if (bytes.size() > durable.size() && (*random)() % 2 == 0) {
    const size_t at = durable.size() + (*random)() % (bytes.size() - durable.size());
    const size_t begin = std::max(durable.size(), at / kTornBlockBytes * kTornBlockBytes);
    const size_t end = std::min(bytes.size(), (at / kTornBlockBytes + 1) * kTornBlockBytes);
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
              bytes.begin() + static_cast<std::ptrdiff_t>(end), '\0');
  }
  return bytes;
}

}  // namespace

std::unique_ptr<FaultyFileSystem> FaultyFileSystem::CloneAfterCrash(CrashKeeps keeps,
                                                                    uint64_t seed) const {
  const std::lock_guard lock(state_->mutex);
  auto clone = std::make_unique<FaultyFileSystem>();
  State& to = *clone->state_;
  to.dirs = state_->dirs;
  to.free_bytes = state_->free_bytes;
  std::mt19937_64 random(seed);
  if (keeps == CrashKeeps::kEverything) {
    std::map<std::shared_ptr<File>, std::shared_ptr<File>> copies{{nullptr, nullptr}};
    const auto copy_of = [&](const std::shared_ptr<File>& file) {
      std::shared_ptr<File>& copy = copies[file];
      return copy || !file ? copy : copy = std::make_shared<File>(*file);
    };
    for (const auto& [name, file] : state_->live) {
      to.live[name] = copy_of(file);
    }
    for (const auto& [name, file] : state_->durable) {
      to.durable[name] = copy_of(file);
    }
    to.pending = state_->pending;
    for (State::NameChange& change : to.pending) {
      for (auto& [name, file] : change.names) {
        file = copy_of(file);
      }
    }
    return clone;
  }
  State::Names names = state_->durable;
  if (keeps == CrashKeeps::kSome) {
    // The file system's journal: the first changes without a gap.
    const size_t count = random() % (state_->pending.size() + 1);
    for (size_t i = 0; i < count; ++i) {
      State::Apply(state_->pending[i], &names);
    }
  }
  for (const auto& [name, file] : names) {
    auto copy = std::make_shared<File>();
    if (keeps == CrashKeeps::kSyncedOnly) {
      copy->data = file->durable;
    } else {
      copy->data =
          TornBytes(file->durable, random() % 2 == 0 ? file->data : file->WithoutLost(), &random);
    }
    copy->durable = copy->data;
    to.live[name] = to.durable[name] = copy;
  }
  return clone;
}

bool FaultyFileSystem::Damage(const std::string& path,
                              const std::function<void(std::string*)>& change) {
  const std::lock_guard lock(state_->mutex);
  const std::shared_ptr<File> file = state_->Get(path);
  if (file) {
    change(&file->data);
    file->durable = file->data;
  }
  return file != nullptr;
}

Result<std::unique_ptr<AppendFile>> FaultyFileSystem::OpenAppend(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  std::shared_ptr<File> file = state_->Get(path);
  if (!file) {
    if (!state_->dirs.contains(ParentOf(path))) {
      return NotFound(path);
    }
    if (const Fault fault = state_->Step(); fault != Fault::kNone) {
      return State::Failure(fault);
    }
    file = std::make_shared<File>();
    state_->Change({ParentOf(path), {{path, file}}});
  }
  return std::unique_ptr<AppendFile>(new Appender(state_, file));
}

Result<std::unique_ptr<ReadFile>> FaultyFileSystem::OpenRead(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  const std::shared_ptr<File> file = state_->Get(path);
  if (!file) {
    return NotFound(path);
  }
  return std::unique_ptr<ReadFile>(new Reader(state_, file));
}

Result<std::unique_ptr<MappedFile>> FaultyFileSystem::Map(const std::string& path) {
  Result<std::string> bytes = ReadWhole(path);
  if (!bytes) {
    return bytes.error();
  }
  return std::unique_ptr<MappedFile>(new Mapping(std::move(*bytes)));
}

Result<std::string> FaultyFileSystem::ReadWhole(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  const std::shared_ptr<File> file = state_->Get(path);
  if (!file) {
    return NotFound(path);
  }
  return file->data;
}

Result<std::vector<std::string>> FaultyFileSystem::List(const std::string& dir) {
  const std::lock_guard lock(state_->mutex);
  if (state_->crashed || !state_->dirs.contains(dir)) {
    return Error{ErrorCode::kUnavailable, "cannot list " + dir};
  }
  std::vector<std::string> names;
  const auto take = [&](const std::string& path) {
    if (path != "/" && ParentOf(path) == dir) {
      names.push_back(path.substr(path.rfind('/') + 1));
    }
  };
  for (const auto& [path, file] : state_->live) {
    take(path);
  }
  for (const std::string& path : state_->dirs) {
    take(path);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> FaultyFileSystem::Remove(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  if (const Fault fault = state_->Step(); fault != Fault::kNone) {
    return State::Failure(fault);
  }
  if (state_->RemoveEmptyDir(path)) {
    return {};
  }
  if (!state_->Get(path)) {
    return NotFound(path);
  }
  state_->Change({ParentOf(path), {{path, nullptr}}});
  return {};
}

Result<void> FaultyFileSystem::Rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(state_->mutex);
  if (const Fault fault = state_->Step(); fault != Fault::kNone) {
    return State::Failure(fault);
  }
  const std::shared_ptr<File> file = state_->Get(from);
  if (!file) {
    return NotFound(from);
  }
  state_->Change({ParentOf(to), {{from, nullptr}, {to, file}}});
  return {};
}

Result<void> FaultyFileSystem::CreateDirs(const std::string& dir) {
  const std::lock_guard lock(state_->mutex);
  if (const Fault fault = state_->Step(); fault != Fault::kNone) {
    return State::Failure(fault);
  }
  for (std::string path = dir; path != "/"; path = ParentOf(path)) {
    state_->dirs.insert(path);
  }
  return {};
}

Result<void> FaultyFileSystem::SyncDir(const std::string& dir) {
  const std::lock_guard lock(state_->mutex);
  if (const Fault fault = state_->Step(); fault != Fault::kNone) {
    return State::Failure(fault);
  }
  std::erase_if(state_->pending, [&](const State::NameChange& change) {
    if (change.dir != dir) {
      return false;
    }
    State::Apply(change, &state_->durable);
    return true;
  });
  return {};
}

Result<uint64_t> FaultyFileSystem::FreeBytes(const std::string& /*dir*/) {
  const std::lock_guard lock(state_->mutex);
  return uint64_t{state_->free_bytes};
}

bool FaultyFileSystem::Exists(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  return state_->Get(path) != nullptr || (!state_->crashed && state_->dirs.contains(path));
}

class FaultyFileSystem::HeldLock final : public PathLock {
 public:
  HeldLock(std::shared_ptr<State> state, std::string path)
      : state_(std::move(state)), path_(std::move(path)) {}
  ~HeldLock() override {
    const std::lock_guard lock(state_->mutex);
    state_->locks.erase(path_);
  }
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;

 private:
  std::shared_ptr<State> state_;
  std::string path_;
};

Result<std::unique_ptr<PathLock>> FaultyFileSystem::Lock(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  if (state_->crashed || !state_->locks.insert(path).second) {
    return Error{ErrorCode::kUnavailable, "cannot lock " + path};
  }
  return std::unique_ptr<PathLock>(new HeldLock(state_, path));
}

}  // namespace bulkhead
