// Who may talk to the server: projects with their public write tokens, and service accounts with
// their secrets, in one small encrypted file (docs/formats/catalogue.md). Secrets are kept as
// Argon2id hashes and are shown once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/catalogue_store.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"
#include "model/ids.h"

namespace bulkhead {

struct Project {
  ProjectId id;
  std::string name;
  std::string timezone;  // IANA name, such as "Europe/Berlin"
  std::string token;     // 32 hexadecimal digits; public: it can only write
};

struct NewServiceAccount {
  std::string username;  // bulkhead.<hex>.mp-service-account
  std::string secret;    // not kept: this is the only time it is seen
};

// Thread-safe. Another process may change the same file; that is seen here within a second. File
// system, keys and clock must outlive it.
class Catalogue {
 public:
  // Errors as CatalogueStore's: kNotFound, kDenied (no such key), kCorruption, kUnavailable. A
  // reader answers kDenied to every change.
  static Result<std::unique_ptr<Catalogue>> Open(FileSystem& fs, const std::string& path,
                                                 const KeyRing& keys, CatalogueMode mode,
                                                 const Clock& clock = SystemClock());
  ~Catalogue();
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;

  Result<Project> CreateProject(std::string_view name, std::string_view timezone);
  [[nodiscard]] std::optional<Project> FindProjectByToken(std::string_view token) const;
  [[nodiscard]] std::optional<Project> GetProject(ProjectId id) const;
  [[nodiscard]] std::vector<Project> ListProjects() const;  // by id

  Result<NewServiceAccount> CreateServiceAccount(ProjectId project);
  Result<void> RemoveServiceAccount(std::string_view username);

  // The account's project where name and secret are right and, where a project is asked for, it is
  // that one. kDenied says nothing about which part was wrong; kLimit: too many failures for this
  // name, later again. The first success of a secret costs an Argon2id hash (tens of milliseconds),
  // later ones microseconds.
  Result<ProjectId> VerifyServiceAccount(std::string_view username, std::string_view secret,
                                         std::optional<ProjectId> project = std::nullopt) const;

  // Why the file cannot be read now; what was read before goes on serving. Empty: it can.
  [[nodiscard]] std::string trouble() const;

 private:
  class Impl;
  explicit Catalogue(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulkhead
