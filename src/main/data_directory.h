// The data directory: where each compartment's files lie, and the lock that lets one server at a
// time own it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "access/catalogue.h"
#include "base/result.h"
#include "crypto/key_ring.h"
#include "crypto/root_key.h"
#include "model/ids.h"

namespace bulkhead {

class DataDirectory {
 public:
  explicit DataDirectory(std::string path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string Keys() const { return path_ + "/keys"; }
  [[nodiscard]] std::string Log() const { return path_ + "/log"; }
  [[nodiscard]] std::string Store(ProjectId project) const {
    return path_ + "/store/" + std::to_string(project.value);
  }
  [[nodiscard]] std::string Vault() const { return path_ + "/vault"; }
  [[nodiscard]] std::string VaultSettings() const { return path_ + "/vault.conf"; }
  [[nodiscard]] std::string Audit() const { return path_ + "/audit"; }
  [[nodiscard]] std::string AuditPublicKey() const { return Audit() + "/audit.pub"; }
  // What the operator writes; versions that came into force are the audit compartment's.
  [[nodiscard]] std::string Policy() const { return path_ + "/policy"; }
  [[nodiscard]] std::string PolicyFile() const { return Policy() + "/policy.toml"; }
  [[nodiscard]] std::string VendorRegister() const { return Policy() + "/vendors.toml"; }
  [[nodiscard]] std::string PolicyVersions() const { return Policy() + "/versions"; }
  [[nodiscard]] std::string CatalogueFile() const { return path_ + "/catalogue/catalogue"; }
  // Where older programs had it, as a plain database.
  [[nodiscard]] std::string PlainCatalogue() const { return path_ + "/catalogue.db"; }
  [[nodiscard]] std::string SavedFunnels(ProjectId project) const {
    return path_ + "/store/funnels-" + std::to_string(project.value) + ".json";
  }
  // Core's, as the store is.
  [[nodiscard]] std::string PersonRequests() const { return path_ + "/store/person_requests"; }
  [[nodiscard]] std::string ImportProgress() const { return path_ + "/import"; }
  // Where a running server takes events and, on a second line, answers questions:
  // "http://127.0.0.1:8787".
  [[nodiscard]] std::string ServerAddress() const { return path_ + "/server.address"; }
  [[nodiscard]] std::string ControlSocket() const { return path_ + "/control.sock"; }
  // Older programs kept a service account there for their commands.
  [[nodiscard]] std::string FormerCommandAccount() const { return Keys() + "/command.account"; }

 private:
  std::string path_;
};

// Held while a server owns the directory: by its supervisor and every compartment, so that it is
// free only when all of them have ended, however they ended.
class DirectoryLock {
 public:
  // Waits a little for the compartments of a supervisor that has just been killed. kUnavailable
  // where another server holds it.
  static Result<std::unique_ptr<DirectoryLock>> Take(const DataDirectory& dir);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

  // Whoever has a copy of it holds the lock too.
  [[nodiscard]] int descriptor() const { return fd_; }

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

// The catalogue, for a process that may change it; what an older program left is taken over first.
// The keys must outlive it.
Result<std::unique_ptr<Catalogue>> OpenCatalogue(const DataDirectory& dir, const KeyRing& keys,
                                                 CatalogueMode mode);

struct InitOptions {
  std::string project_name = "Default project";
  std::string timezone = "UTC";
  // Where the root key goes (one that lies there already is taken), or the descriptor that gives
  // it; neither: DIR/keys/root.key.
  RootKeyChoice root_key = {};
};

struct InitResult {
  ProjectId project;
  std::string token;
  std::string username;
  std::string secret;
};

// Makes the directory with keys, first project and first service account. kInvalid where it is
// already one.
Result<InitResult> InitDataDirectory(const DataDirectory& dir, const InitOptions& options);

}  // namespace bulkhead
