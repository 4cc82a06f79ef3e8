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
#include "main/recorders.h"
#include "main/vault_calls.h"
#include "model/batch_codec.h"
#include "vault/reveal.h"

namespace bulkhead {
namespace {

constexpr int kThreads = 4;
constexpr std::chrono::milliseconds kFlushEvery{2000};

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
  Result<void> Apply(const LogRecord& record);
  Result<std::string> Answer(uint8_t kind, std::string_view body);
  Result<std::string> Erase(const VaultQuestion& question);
  void FlushLoop();

  CompartmentStart* start_;
  DataDirectory dir_;
  const StatusBoard* intake_;
  RemoteAudit audit_;
  AuditRecorder recorder_{&audit_};
  std::unique_ptr<KeyedHash> pseudonyms_;
  std::unique_ptr<Vault> vault_;
  std::atomic<bool> opened_{false};
  std::atomic<bool> stop_{false};
  std::unique_ptr<FollowerThread> follower_;
  std::thread flusher_;
  RpcServer server_{kThreads, [this](const RpcCaller&, uint8_t kind, std::string_view body) {
                      return Answer(kind, body);
                    }};
};

Result<void> VaultCompartment::Open() {
  Result<VaultKeys> keys = ParseVaultKeys(start_->keys);
  if (!keys) {
    return keys.error();
  }
  pseudonyms_ = std::make_unique<KeyedHash>(keys->pseudonym_key);
  Result<std::unique_ptr<Vault>> vault =
      Vault::Open(RealFileSystem(), dir_.Vault(), *std::move(keys));
  if (!vault) {
    return vault.error();
  }
  vault_ = *std::move(vault);
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

Result<void> VaultCompartment::Apply(const LogRecord& record) {
  Result<Batch> batch = DecodeBatch(record.payload);
  if (!batch) {
    return batch.error();
  }
  Result<void> taken = vault_->Ingest(batch->sealed, record.position, batch->project);
  if (!taken && taken.error().code == ErrorCode::kCorruption) {
    spdlog::error("sealed fields at log position {} do not open: {}", record.position,
                  taken.error().message);
    return vault_->Skip(record.position);
  }
  return taken;
}

// Says how far the vault is on disk: now and then, and at once where the log is to be emptied.
void VaultCompartment::FlushLoop() {
  const StatusBoard* core = board(Compartment::kCore);
  auto last = std::chrono::steady_clock::now();
  uint64_t forget = core->Get(kCoreForget);
  while (!stop_) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
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

Result<std::string> VaultCompartment::Erase(const VaultQuestion& question) {
  uint64_t values = 0;
  for (const SubjectId& subject : question.subjects) {
    Result<ErasedSubject> erased =
        RecordedErase(*vault_, recorder_, question.request, subject, question.log_end);
    if (!erased) {
      return erased.error();
    }
    values += erased->values;
  }
  return std::to_string(values);
}

Result<std::string> VaultCompartment::Answer(uint8_t kind, std::string_view body) {
  if (!opened_.load(std::memory_order_acquire)) {
    return Error{ErrorCode::kUnavailable, "the vault is being opened"};
  }
  Result<VaultQuestion> question = DecodeVaultQuestion(body);
  if (!question) {
    return question.error();
  }
  if (kind == kVaultErase) {
    return Erase(*question);
  }
  if (kind == kVaultReveal && question->subjects.size() == 1) {
    Result<std::vector<RevealedField>> fields =
        RecordedReveal(*vault_, recorder_, question->request, question->subjects[0]);
    return fields ? Result<std::string>(EncodeRevealed(*fields)) : fields.error();
  }
  if (kind == kVaultFind) {
    Result<std::vector<SubjectId>> found =
        RecordedFind(*vault_, recorder_, question->request, question->text);
    return found ? Result<std::string>(EncodeSubjects(*found)) : found.error();
  }
  if (kind == kVaultPseudonym) {
    SubjectId subject;  // of no text: nobody
    if (!question->text.empty()) pseudonyms_->Digest128(question->text, subject.bytes.data());
    return EncodeSubjects({subject});
  }
  return Error{ErrorCode::kInvalid, "the vault does not know that call"};
}

}  // namespace

std::unique_ptr<CompartmentRole> MakeVaultCompartment(CompartmentStart* start) {
  return std::make_unique<VaultCompartment>(start);
}

}  // namespace bulkhead
