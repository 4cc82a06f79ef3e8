// A person is taken out of vault and store, and what the vault knows of one is read for them: what
// core does for the requests of persons, with the devices that are linked to them.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "access/person_requests.h"
#include "http/server.h"
#include "main/audit_messages.h"
#include "main/core_projects.h"
#include "main/vault_client.h"

namespace bulkhead {

struct ErasedPersons {
  uint64_t devices = 0;           // that were linked to them
  uint64_t values = 0;            // destroyed in the vault
  std::vector<uint64_t> entries;  // of the audit log, that say so
};

// Thread-safe as far as one erasure at a time is.
class PersonErasure final : public PersonEraser, public AccessReader {
 public:
  struct Parts {
    CoreProjects* projects = nullptr;
    VaultClient* vault = nullptr;
    RemoteAudit* audit = nullptr;
    std::function<bool()> wait_until_followed;  // everything durable has reached store and vault
    std::function<Result<void>()> forget_log;   // empties the log of what came before
  };
  explicit PersonErasure(Parts parts) : parts_(std::move(parts)) {}

  Result<ErasedPersons> EraseAll(const EraseCall& call);
  // Carries out what the audit log says was erased and a store does not know of, as one that was
  // put back from a backup: once store and vault have applied all of the log.
  Result<void> EraseAgain();
  Result<std::string> Erase(const PersonRequest& request) override;
  Result<std::vector<KnownIdentity>> Reveal(const AccessReading& reading) override;

 private:
  // The persons and their devices, each with the person it is of.
  static std::vector<std::pair<SubjectId, SubjectId>> WithDevices(
      const Store& store, const std::vector<SubjectId>& persons);
  // What the audit log says was erased in the project and its store has not carried out, and
  // `more`. Whether there was anything.
  Result<bool> EraseLogged(ProjectId project, const std::vector<SubjectId>& more);

  const Parts parts_;
  std::mutex one_at_a_time_;
};

}  // namespace bulkhead
