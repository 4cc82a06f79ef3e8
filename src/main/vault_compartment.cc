// The vault compartment: follows the log for what is sealed to it, and answers core and the
// operator's commands.
#include <spdlog/spdlog.h>

#include <atomic>
#include <thread>

#include "base/file_system.h"
#include "channel/rpc_server.h"
#include "main/audit_messages.h"
#include "main/compartment.h"
#include "main/data_directory.h"
#include "main/follower_thread.h"
#include "main/remote_gate.h"
#include "main/vault_client.h"
#include "model/batch_codec.h"
#include "vault/vault_service.h"

namespace bulkhead {
namespace {

constexpr int kThreads = 4;
constexpr std::chrono::milliseconds kFlushEvery{2000};
constexpr uint64_t kRotatedAtOnce = 2000;  // subjects; calls wait for one such step

class VaultCompartment final : public CompartmentRole {
 public:
  explicit VaultCompartment(CompartmentStart* start)
      : start_(start), dir_(start->data_dir), intake_(board(Compartment::kIntake)) {}
  ~VaultCompartment() override {
    stop_ = true;
    if (flusher_.joinable()) {
      flusher_.join();
    }
  }

  Result<void> Prepare() override;
  Result<void> Open() override;
  void Link(std::string_view peer, Descriptor line) override {
    if (peer == CompartmentName(Compartment::kAudit)) {
      audit_.Attach(std::move(line));
    } else {
      server_.Attach({std::string(peer)}, std::move(line));
    }
  }

 private:
  [[nodiscard]] const StatusBoard* board(Compartment id) const {
    return start_->boards.at(IndexOf(id)).get();
  }
  Result<void> StartService();
  Result<void> Apply(const LogRecord& record);
  Result<std::string> Answer(const RpcCaller& caller, uint8_t kind, std::string_view body);
  void FlushLoop();
  void RotateStep();

  CompartmentStart* start_;
  DataDirectory dir_;
  const StatusBoard* intake_;
  RemoteAudit audit_;
  RemoteGate gate_{&audit_};
  VaultPolicy policy_;
  SealKeyRing log_keys_;
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<VaultService> service_;
  std::atomic<bool> opened_{false};
  std::atomic<bool> stop_{false};
  bool rotated_ = false;  // nothing lies under an older key
  std::unique_ptr<FollowerThread> follower_;
  std::thread flusher_;
  RpcServer server_{kThreads, [this](const RpcCaller& caller, uint8_t kind, std::string_view body) {
                      return Answer(caller, kind, body);
                    }};
};

// Its settings lie outside of its own directory.
Result<void> VaultCompartment::Prepare() {
  const std::string path = dir_.VaultSettings();
  if (!RealFileSystem().Exists(path)) {
    return {};
  }
  Result<std::string> text = RealFileSystem().ReadWhole(path);
  Result<VaultPolicy> policy = text ? ParseVaultPolicy(*text) : Result<VaultPolicy>(text.error());
  if (!policy) {
    return Error{policy.error().code, path + ": " + policy.error().message};
  }
  policy_ = *std::move(policy);
  return {};
}

Result<void> VaultCompartment::Open() {
  Result<VaultKeys> keys = ParseVaultKeys(start_->keys);
  if (!keys) {
    return keys.error();
  }
  log_keys_ = std::move(keys->log_keys);
  Result<std::unique_ptr<Vault>> vault =
      Vault::Open(RealFileSystem(), dir_.Vault(), *std::move(keys));
  if (!vault) {
    return vault.error();
  }
  vault_ = *std::move(vault);
  if (Result<void> started = StartService(); !started) {
    return started;
  }
  const uint64_t position = vault_->applied_position().value_or(0);
  start_->own->Set(kFollowerApplied, position + 1);
  start_->own->Set(kFollowerDurable, vault_->durable_position().value_or(0) + 1);
  const auto publish = [this](uint64_t applied) {
    start_->own->Set(kFollowerApplied, applied + 1);
  };
  follower_ = std::make_unique<FollowerThread>(
      FollowerThread::Options{.name = "vault",
                              .fs = &RealFileSystem(),
                              .log_dir = dir_.Log(),
                              .keys = &log_keys_,
                              .log = LogEnd(intake_),
                              .from_position = position,
                              .apply =
                                  [this, publish](const LogRecord& record) {
                                    Result<void> applied = Apply(record);
                                    if (applied) publish(record.next_position);
                                    return applied;
                                  },
                              .idle = publish});
  flusher_ = std::thread([this] { FlushLoop(); });
  opened_.store(true, std::memory_order_release);
  return {};
}

// Before anything can be asked: what is restored from a backup learns of the erasures since.
Result<void> VaultCompartment::StartService() {
  VaultServiceOptions options;
  options.vault = vault_.get();
  options.gate = &gate_;
  options.log_end = [this] { return intake_->Get(kIntakeDurableEnd); };
  options.exports_path = dir_.Vault() + "/exports.db";
  options.policy = policy_;
  const Result<std::vector<LoggedErasure>> erasures = audit_.Erased();
  if (!erasures) {
    return erasures.error();
  }
  for (const LoggedErasure& erasure : *erasures) {
    options.erasures.push_back(erasure.tombstone);
  }
  Result<std::vector<std::string>> vetoed = audit_.VetoedExports();
  if (!vetoed) {
    return vetoed.error();
  }
  options.vetoed_exports = *std::move(vetoed);
  Result<std::unique_ptr<VaultService>> service = VaultService::Start(std::move(options));
  if (!service) {
    return service.error();
  }
  service_ = *std::move(service);
  Result<uint64_t> horizon = vault_->ErasureHorizon();
  if (!horizon) {
    return horizon.error();
  }
  start_->own->Set(kVaultHorizon, *horizon);
  return {};
}

Result<void> VaultCompartment::Apply(const LogRecord& record) {
  Result<SealedPart> part = SealedPartOf(record.payload);
  if (!part) {
    return part.error();
  }
  Result<void> taken = vault_->Ingest(part->sealed, record.position, part->project);
  if (!taken && taken.error().code == ErrorCode::kCorruption) {
    spdlog::error("sealed fields at log position {} do not open: {}", record.position,
                  taken.error().message);
    return vault_->Skip(record.position);
  }
  return taken;
}

// After a change of keys, what lies under older ones is moved step by step, while calls go on.
void VaultCompartment::RotateStep() {
  const Result<VaultAnswer> answer = service_->Answer(RotateCall{kRotatedAtOnce});
  const auto* rotated = answer ? std::get_if<RotateAnswer>(&*answer) : nullptr;
  if (rotated == nullptr) {
    spdlog::error("what lies under an older key of the vault stays there until the next start: {}",
                  answer ? "no answer" : answer.error().message);
    rotated_ = true;
    return;
  }
  rotated_ = rotated->subject_keys.remaining == 0 && rotated->addresses.remaining == 0;
}

// Says how far the vault is on disk: now and then, and at once where the log is to be emptied.
void VaultCompartment::FlushLoop() {
  const StatusBoard* core = board(Compartment::kCore);
  auto last = std::chrono::steady_clock::now();
  uint64_t forget = core->Get(kCoreForget);
  while (!stop_) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (!rotated_) {
      RotateStep();
    }
    const bool asked =
        core->Get(kCoreForget) != forget || intake_->Get(kIntakeForgotten) < core->Get(kCoreForget);
    if (!asked && std::chrono::steady_clock::now() - last < kFlushEvery) {
      continue;
    }
    last = std::chrono::steady_clock::now();
    forget = core->Get(kCoreForget);
    start_->own->Set(kBoardTrouble, follower_->trouble().empty() ? 0 : 1);
    if (Result<void> flushed = vault_->Flush(); !flushed) {
      spdlog::error("the vault cannot be flushed: {}", flushed.error().message);
      continue;
    }
    start_->own->Set(kFollowerDurable, vault_->durable_position().value_or(0) + 1);
  }
}

Result<std::string> VaultCompartment::Answer(const RpcCaller& caller, uint8_t kind,
                                             std::string_view body) {
  if (!opened_.load(std::memory_order_acquire)) {
    return Error{ErrorCode::kUnavailable, "the vault is being opened"};
  }
  if (kind != kVaultCall) {
    return Error{ErrorCode::kInvalid, "the vault does not know that call"};
  }
  const VaultCaller who = caller.compartment == kSupervisorPeer ? VaultCaller::kOperator
                          : caller.compartment == CompartmentName(Compartment::kEgress)
                              ? VaultCaller::kEgress
                              : VaultCaller::kCompartment;
  const SecretBytes answer = service_->AnswerMessage(body, who);
  return std::string(answer.view());
}

}  // namespace

std::unique_ptr<CompartmentRole> MakeVaultCompartment(CompartmentStart* start) {
  return std::make_unique<VaultCompartment>(start);
}

}  // namespace bulkhead
