// The vault's whole face to the other compartments: one call in, one answer out. Everything that
// opens or destroys is written down behind the gate first, and nothing is given where that fails.
// docs/vault.md says what may be asked and what it costs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "vault/reveal_gate.h"
#include "vault/vault.h"
#include "vault/vault_messages.h"
#include "vault/vault_policy.h"

namespace bulkhead {

// Whether an export that is due has the consents that it needs. Thread-safe.
class ExportApproval {
 public:
  virtual ~ExportApproval() = default;
  // kDenied: not (yet) approved.
  virtual Result<void> Check(const ExportInfo& info) = 0;
};

// All outlive the service.
struct VaultServiceOptions {
  Vault* vault = nullptr;
  RevealGate* gate = nullptr;
  ExportApproval* approval = nullptr;  // null: the time lock alone
  const Clock* clock = &SystemClock();
  std::function<uint64_t()> log_end;  // the durable end of the log; empty: what the vault has taken
  FileSystem* fs = &RealFileSystem();
  std::string exports_path;  // DIR/vault/exports.db
  VaultPolicy policy;
  // What the audit log says has happened, so that files restored from a backup learn of it before
  // anything can be asked.
  std::vector<Tombstone> erasures;
  std::vector<std::string> vetoed_exports;
};

// What egress may call itself: this, then the vendor's name.
inline constexpr std::string_view kVendorActor = "vendor.";
// Or this, then the incident's, and then it is told addresses alone.
inline constexpr std::string_view kIncidentActor = "incident.";
inline constexpr std::string_view kNoticeField = "$email";

// Who speaks at the other end of a channel.
enum class VaultCaller : unsigned char { kOperator = 1, kCompartment, kEgress };

// Thread-safe.
class VaultService {
 public:
  static Result<std::unique_ptr<VaultService>> Start(VaultServiceOptions options);
  ~VaultService();
  VaultService(const VaultService&) = delete;
  VaultService& operator=(const VaultService&) = delete;

  // kInvalid, kDenied, kLimit, kNotFound: what the caller did. kUnavailable: it could not be
  // recorded, or the vault's files fail. Messages hold no value.
  Result<VaultAnswer> Answer(const VaultCall& call);
  // The same as messages; bytes that are no call are answered with kInvalid, and bulk exports are
  // the operator's alone.
  SecretBytes AnswerMessage(std::string_view call, VaultCaller caller);

 private:
  class Impl;
  explicit VaultService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulkhead
