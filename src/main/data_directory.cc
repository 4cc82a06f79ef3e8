#include "main/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "access/catalogue_store.h"
#include "base/file_system.h"
#include "crypto/keys.h"

namespace bulkhead {
namespace {
constexpr int kLockTries = 100;  // two seconds
}  // namespace

namespace {

// Gives the root key that opens them.
Result<SecretBytes> MakeKeys(const DataDirectory& dir, const RootKeyChoice& choice) {
  FileSystem& fs = RealFileSystem();
  KeyCreation creation;
  creation.now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count();
  creation.root_key_file = choice.file;
  Result<SecretBytes> given{SecretBytes()};
  if (choice.descriptor >= 0) {
    const Result<RootKeySource> source = FindRootKey(choice, dir.Keys());
    given = source ? LoadRootKey(fs, *source) : Result<SecretBytes>(source.error());
    if (!given) {
      return given.error();
    }
    creation.root = &*given;
  }
  if (Result<void> made = CreateKeys(fs, dir.Keys(), creation); !made) {
    return made.error();
  }
  if (creation.root != nullptr) {
    return given;
  }
  const Result<RootKeySource> source = FindRootKey(choice, dir.Keys());
  return source ? LoadRootKey(fs, *source) : Result<SecretBytes>(source.error());
}

}  // namespace

DataDirectory::DataDirectory(std::string path) : path_(std::move(path)) {
  while (path_.size() > 1 && path_.back() == '/') {
    path_.pop_back();
  }
}

Result<std::unique_ptr<DirectoryLock>> DirectoryLock::Take(const DataDirectory& dir) {
  if (!RealFileSystem().Exists(dir.Keys())) {
    return Error{ErrorCode::kNotFound,
                 dir.path() + " is not a data directory; `bulkhead init` makes one"};
  }
  const std::string path = dir.path() + "/lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  bool taken = fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  for (int i = 0; fd >= 0 && !taken && i < kLockTries; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    taken = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  }
  if (!taken) {
    ::close(fd);
    return Error{ErrorCode::kUnavailable, "another process is using " + dir.path()};
  }
  return std::unique_ptr<DirectoryLock>(new DirectoryLock(fd));
}

DirectoryLock::~DirectoryLock() { ::close(fd_); }

Result<std::unique_ptr<Catalogue>> OpenCatalogue(const DataDirectory& dir, const KeyRing& keys,
                                                 CatalogueMode mode) {
  FileSystem& fs = GroupReadableFileSystem();  // intake reads it
  const std::string path = dir.CatalogueFile();
  if (Result<void> made = fs.CreateDirs(path.substr(0, path.rfind('/'))); !made) {
    return made.error();
  }
  const Result<bool> adopted = AdoptPlainCatalogue(fs, dir.PlainCatalogue(), path, keys);
  if (!adopted) {
    return adopted.error();
  }
  return Catalogue::Open(fs, path, keys, mode);
}

Result<InitResult> InitDataDirectory(const DataDirectory& dir, const InitOptions& options) {
  FileSystem& fs = RealFileSystem();
  if (fs.Exists(dir.CatalogueFile()) || fs.Exists(dir.PlainCatalogue())) {
    return Error{ErrorCode::kInvalid, dir.path() + " is a data directory already"};
  }
  for (const std::string& sub :
       {dir.path(), dir.Keys(), dir.Log(), dir.path() + "/store", dir.Vault(), dir.Audit(),
        dir.path() + "/catalogue", dir.ImportProgress()}) {
    if (Result<void> made = fs.CreateDirs(sub); !made) {
      return made.error();
    }
  }
  const Result<SecretBytes> root = MakeKeys(dir, options.root_key);
  if (!root) {
    return root.error();
  }
  const Result<CoreKeys> core_keys = LoadCoreKeys(fs, dir.Keys(), *root);
  if (!core_keys) {
    return core_keys.error();
  }
  Result<std::unique_ptr<Catalogue>> catalogue =
      OpenCatalogue(dir, core_keys->catalogue_keys, CatalogueMode::kCreate);
  if (!catalogue) {
    return catalogue.error();
  }
  Result<Project> project = (*catalogue)->CreateProject(options.project_name, options.timezone);
  if (!project) {
    return project.error();
  }
  Result<NewServiceAccount> account = (*catalogue)->CreateServiceAccount(project->id);
  if (!account) {
    return account.error();
  }
  return InitResult{project->id, project->token, account->username, account->secret};
}

}  // namespace bulkhead
