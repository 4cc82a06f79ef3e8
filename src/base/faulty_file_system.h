// A file system in memory, for tests: it fails or stops at any step, and can be cloned as a power
// loss would leave it. It knows what is durable: bytes by AppendFile::Sync, names by SyncDir. A
// failed Sync loses the bytes it was for, though reads still see them and a later Sync succeeds, as
// Linux has it. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"

namespace bulkhead {

enum class Fault : unsigned char {
  kNone = 0,
  kIoError,     // the step does nothing; a Sync loses its bytes
  kNoSpace,     // a write puts down nothing; other steps as kIoError
  kShortWrite,  // a write puts down half, then fails; other steps as kIoError
  kCrash,       // a write puts down half; this and every later step fails
};

// What of the unsynced survives a power loss.
enum class CrashKeeps : unsigned char {
  kSyncedOnly = 1,  // nothing
  kEverything,      // all of it, still unsynced: the process was killed, the machine went on
  kSome,  // whatever `seed` decides: names or not, a prefix of the bytes, a page of them as zeros
};

class FaultyFileSystem final : public FileSystem {
 public:
  FaultyFileSystem();
  ~FaultyFileSystem() override;

  // The fault strikes at the step with this number, counted from now (0 = the next one), and at the
  // `times - 1` after it. Steps are all calls that change something: opening a new file, writing,
  // syncing, truncating, removing, renaming, making directories.
  void FailAt(uint64_t step, Fault fault, uint64_t times = 1);
  void Heal();  // no fault any more; not after a crash
  [[nodiscard]] uint64_t steps() const;
  [[nodiscard]] bool crashed() const;
  void SetFreeBytes(uint64_t bytes);

  // A new, healthy file system as the power loss leaves it.
  [[nodiscard]] std::unique_ptr<FaultyFileSystem> CloneAfterCrash(CrashKeeps keeps,
                                                                  uint64_t seed = 0) const;

  // Damage on the medium: `change` edits the bytes, durable at once. False where there is no such
  // file.
  bool Damage(const std::string& path, const std::function<void(std::string*)>& change);

  Result<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path) override;
  Result<std::unique_ptr<ReadFile>> OpenRead(const std::string& path) override;
  Result<std::unique_ptr<MappedFile>> Map(const std::string& path) override;
  Result<std::string> ReadWhole(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& dir) override;
  Result<void> Remove(const std::string& path) override;
  Result<void> Rename(const std::string& from, const std::string& to) override;
  Result<void> CreateDirs(const std::string& dir) override;
  Result<void> SyncDir(const std::string& dir) override;
  Result<uint64_t> FreeBytes(const std::string& dir) override;
  bool Exists(const std::string& path) override;
  // Without waiting: kUnavailable at once. It leaves no file and is no step.
  Result<std::unique_ptr<PathLock>> Lock(const std::string& path) override;

 private:
  struct File;
  struct State;
  class Appender;
  class Reader;
  class Mapping;
  class HeldLock;
  std::shared_ptr<State> state_;
};

}  // namespace bulkhead
