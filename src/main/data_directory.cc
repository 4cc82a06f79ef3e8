#include "main/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>

#include "access/catalogue.h"
#include "base/file_system.h"
#include "crypto/keys.h"

namespace bulkhead {

namespace {

Result<void> MakeKeys(const DataDirectory& dir, const RootKeyChoice& choice) {
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
  return CreateKeys(fs, dir.Keys(), creation);
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
  if (fd < 0 || ::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return Error{ErrorCode::kUnavailable, "another process is using " + dir.path()};
  }
  return std::unique_ptr<DirectoryLock>(new DirectoryLock(fd));
}

DirectoryLock::~DirectoryLock() { ::close(fd_); }

Result<InitResult> InitDataDirectory(const DataDirectory& dir, const InitOptions& options) {
  FileSystem& fs = RealFileSystem();
  if (fs.Exists(dir.Catalogue())) {
    return Error{ErrorCode::kInvalid, dir.path() + " is a data directory already"};
  }
  for (const std::string& sub : {dir.path(), dir.Keys(), dir.Log(), dir.path() + "/store",
                                 dir.Vault(), dir.Audit(), dir.ImportProgress()}) {
    if (Result<void> made = fs.CreateDirs(sub); !made) {
      return made.error();
    }
  }
  if (Result<void> keys = MakeKeys(dir, options.root_key); !keys) {
    return keys.error();
  }
  Result<std::unique_ptr<Catalogue>> catalogue = Catalogue::Open(dir.Catalogue());
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
  Result<NewServiceAccount> own = (*catalogue)->CreateServiceAccount(project->id);
  if (!own) {
    return own.error();
  }
  if (Result<void> kept =
          fs.WriteFileAtomically(dir.CommandAccount(), own->username + ":" + own->secret);
      !kept) {
    return kept.error();
  }
  return InitResult{project->id, project->token, account->username, account->secret};
}

}  // namespace bulkhead
