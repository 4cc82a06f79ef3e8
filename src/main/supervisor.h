// Starts the compartments, joins them, starts again those that end, and stops all in good order. It
// alone has the root key; it reads nothing that comes from outside.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "channel/rpc_client.h"
#include "channel/status_board.h"
#include "crypto/crypto.h"
#include "http/server.h"
#include "main/audit_messages.h"
#include "main/board_numbers.h"
#include "main/child_process.h"
#include "main/compartment_start.h"
#include "main/control_socket.h"
#include "main/data_directory.h"
#include "main/disk_guard.h"
#include "main/key_commands.h"
#include "main/listen_socket.h"
#include "main/operator_account.h"
#include "main/vault_client.h"

namespace bulkhead {

struct SupervisorOptions {
  std::string listen = "127.0.0.1:8787";
  std::string console;  // empty: intake relays queries from `listen`
  std::string tls_certificate_path, tls_key_path;
  bool allow_tls_1_2 = false;
  bool allow_plain_http = false;
  std::vector<std::string> trusted_proxies;
  std::vector<uint16_t> egress_ports = {443};  // that egress may connect to
  // Witnesses of the audit log: http(s)://host:port of each, and in the same order its public key.
  std::vector<std::string> witness_urls, witness_keys;
  KeyInput keys;
  std::string weaker_confinement;  // parts to do without where they cannot be had; "all"
};

class Supervisor {
 public:
  // Returns when all compartments are ready.
  static Result<std::unique_ptr<Supervisor>> Start(const DataDirectory& dir,
                                                   const SupervisorOptions& options);
  ~Supervisor();  // stops them: intake first, so that nothing acknowledged is lost
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Where SDKs are listened to: "http://127.0.0.1:8787".
  [[nodiscard]] const std::string& url() const { return url_; }
  // Where queries are answered: there, or at the console's listener.
  [[nodiscard]] const std::string& query_url() const { return query_url_; }
  // Waits until everything acknowledged so far can be queried; false after `timeout_ms`.
  [[nodiscard]] bool WaitUntilQueryable(int64_t timeout_ms) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Child {
    Compartment id{};
    std::optional<ChildProcess> process;
    bool ready = false;
    Clock::time_point started, start_again;
    std::vector<Clock::time_point> ends;  // of the last minute
    bool locked = false;                  // its keys do not open: it is not started
    std::atomic<bool> renew{false};       // to be stopped and started again with new keys
  };

  explicit Supervisor(DataDirectory dir) : dir_(std::move(dir)) {}
  Result<void> Prepare(const SupervisorOptions& options);
  // Of the operator's account with that compartment; null: it has none.
  [[nodiscard]] const OperatorAccount* OperatorOf(std::string_view compartment) const;
  Result<void> MakeListeners(const SupervisorOptions& options);
  Result<void> TakeWitnesses(const SupervisorOptions& options);
  Result<void> StartAll();
  Result<void> StartChild(Child* child);
  Result<SecretBytes> BundleFor(Compartment compartment);
  Result<void> SendStart(Child* child);
  Result<void> LinkChild(Compartment id);
  Result<void> AwaitReady(Child* child);
  Result<void> OpenControlSocket();
  Result<std::string> ReloadKeys(std::string_view what, const std::string& actor);
  std::string AnswerCommand(std::string_view line, const std::string& actor);
  void Watch();
  void CheckChild(Child* child);
  void CheckDisk();
  void OnEnd(Child* child, const std::string& how);
  void StopChild(Child* child);
  Child& child(Compartment id) { return children_.at(IndexOf(id)); }
  bool Send(Compartment to, std::string_view about, int line);
  void AttachOwn(Compartment to, Descriptor line);

  DataDirectory dir_;
  std::unique_ptr<DirectoryLock> lock_;
  KeyInput key_input_;
  KeyMaterial keys_;
  OperatorAccount importer_, asker_;  // for intake and for core
  std::string vault_trouble_;         // why the vault is not started
  std::array<std::unique_ptr<StatusBoard>, kBoards> boards_;
  ListenSocket listener_, console_;
  ListenerConfig listener_config_, console_config_;
  std::string place_database_;
  std::string weaker_confinement_;
  std::vector<uint16_t> egress_ports_;
  std::vector<std::string> witness_urls_, witness_keys_;
  std::string url_, query_url_;
  std::array<Child, kCompartmentCount> children_;
  RemoteAudit audit_;
  RpcClient core_;
  RpcClient egress_;
  VaultClient vault_;
  std::unique_ptr<ControlSocket> control_;
  std::unique_ptr<DiskGuard> disk_guard_;
  Clock::time_point disk_checked_;
  Descriptor wake_;        // eventfd: written once, to stop
  std::mutex keys_mutex_;  // guards keys_ and what each child is told of them
  std::thread watcher_;
};

}  // namespace bulkhead
