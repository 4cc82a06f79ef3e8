// The whole product in one process: log, store, vault, intake, query and, where asked for, the
// listeners. `bulkhead serve` runs it with listeners; `import` and `query` run it without, when no
// server owns the directory.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "access/catalogue.h"
#include "audit/audit_file.h"
#include "crypto/key_ring.h"
#include "crypto/keys.h"
#include "http/server.h"
#include "intake/failed_logins.h"
#include "intake/intake.h"
#include "log/log_writer.h"
#include "main/answer_pace.h"
#include "main/control_socket.h"
#include "main/data_directory.h"
#include "main/follower_thread.h"
#include "main/project_lookup.h"
#include "main/recorders.h"
#include "query/engine.h"
#include "query/saved_funnels.h"
#include "sieve/sieve.h"
#include "sieve/sieve_counters.h"
#include "store/store.h"
#include "vault/vault.h"

namespace bulkhead {

class Service {
 public:
  static Result<std::unique_ptr<Service>> Open(const DataDirectory& dir);
  // Stops the listeners, then the followers, then closes what is on disk.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Starts the listener of SDKs and the query paths. At most one call for each address.
  Result<uint16_t> Listen(const ServerOptions& options);
  // The socket for this program's own commands.
  Result<void> OpenControlSocket();

  // Waits until everything acknowledged so far can be queried; false after `timeout_ms`.
  bool WaitUntilQueryable(int64_t timeout_ms) const;

  // Takes a person's events and profile out of the store and their identity out of the vault.
  Result<std::string> Erase(const VaultRequest& request, const SubjectId& subject);

  [[nodiscard]] Intake& intake() { return *intake_; }
  [[nodiscard]] Catalogue& catalogue() { return *catalogue_; }
  [[nodiscard]] SieveCounters& sieve_counters() { return *counters_; }
  [[nodiscard]] QueryEngine* engine(ProjectId project) const;
  [[nodiscard]] Store* store(ProjectId project) const;

 private:
  explicit Service(DataDirectory dir);
  Result<void> OpenCompartments();
  Result<void> OpenSieve();
  Result<void> OpenProjects();
  Result<void> OpenLogAndFollowers();
  Result<void> ApplyToStore(const LogRecord& record);
  Result<void> ApplyToVault(const LogRecord& record);
  Services MakeServices();
  Health CheckHealth() const;
  void AppendMetrics(std::string* out) const;
  std::string AnswerCommand(std::string_view line);
  void TrimLoop();
  Result<void> TrimLog();
  Result<void> ForgetLog(ProjectId project);

  struct OpenProject {
    std::unique_ptr<Store> store;
    std::unique_ptr<QueryEngine> engine;
    std::unique_ptr<SavedFunnels> funnels;
  };

  DataDirectory dir_;
  std::unique_ptr<DirectoryLock> lock_;
  IntakeKeys intake_keys_;
  SealKeyRing core_log_keys_;
  SealKeyRing vault_log_keys_;
  std::unique_ptr<KeyRing> store_keys_;
  std::unique_ptr<KeyedHash> token_hash_;
  std::unique_ptr<Catalogue> catalogue_;
  std::unique_ptr<CatalogueLookup> project_lookup_;
  FailedLogins failed_logins_{&SystemClock()};
  std::unique_ptr<AuditFile> audit_;
  std::unique_ptr<AuditRecorder> recorder_;
  std::unique_ptr<Sieve> sieve_;
  std::unique_ptr<SieveCounters> counters_;
  std::unique_ptr<Vault> vault_;
  std::map<ProjectId, OpenProject> projects_;
  std::unique_ptr<AnswerPace> pace_;
  std::unique_ptr<LogWriter> log_;
  std::unique_ptr<Intake> intake_;
  std::unique_ptr<FollowerThread> store_follower_;
  std::unique_ptr<FollowerThread> vault_follower_;
  std::vector<std::unique_ptr<HttpServer>> servers_;
  std::unique_ptr<ControlSocket> control_;
  std::atomic<bool> stop_{false};
  std::thread trimmer_;
};

}  // namespace bulkhead
