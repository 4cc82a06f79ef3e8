// The audit compartment: the one that writes the record of what all others do, and that knows how
// much of the budgets is used.
#include <algorithm>
#include <atomic>
#include <iterator>

#include "audit/audit_log.h"
#include "audit/reveal_budget.h"
#include "base/byte_codec.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "channel/rpc_server.h"
#include "crypto/keys.h"
#include "main/audit_access.h"
#include "main/audit_messages.h"
#include "main/compartment.h"
#include "main/data_directory.h"
#include "main/policy_record.h"
#include "main/sign_in_entry.h"
#include "main/witness_record.h"

namespace bulkhead {
namespace {

constexpr int kThreads = 8;  // so that several entries share one sync

// What those who face the outside may ask: no entry of their own making, so that whoever owns one
// of them can neither write others nor fill the log.
bool MayAsk(const RpcCaller& caller, uint8_t kind) {
  if (caller.compartment == CompartmentName(Compartment::kIntake)) {
    return kind == kAuditPolicy || kind == kAuditSignIn;
  }
  if (caller.compartment == CompartmentName(Compartment::kEgress)) {
    return kind == kAuditProve || kind == kAuditCosigned || kind == kAuditVendor ||
           kind == kAuditIncident || kind == kAuditErased || kind == kAuditShown;
  }
  return true;
}

class AuditCompartment final : public CompartmentRole {
 public:
  explicit AuditCompartment(CompartmentStart* start) : start_(start) {}

  Result<void> Open() override;
  void Link(std::string_view peer, Descriptor line) override {
    server_.Attach({std::string(peer)}, std::move(line));
  }

 private:
  Result<std::string> Answer(const RpcCaller& caller, uint8_t kind, std::string_view body);
  Result<std::string> AnswerEntry(uint8_t kind, std::string_view body);
  Result<std::string> Erased();
  Result<std::string> VetoedExports();
  Result<std::string> Receipt(std::string_view body);
  Result<std::string> ChangePolicy(const RpcCaller& caller, std::string_view version);
  Result<std::string> NoteSignIn(const RpcCaller& caller, std::string_view body);
  Result<std::string> NoteVendor(std::string_view body);
  Result<std::string> NoteIncident(std::string_view body);
  Result<std::string> Shown(std::string_view body);
  Result<std::string> Prove(std::string_view body) const;
  Result<std::string> KeepCosigned(const RpcCaller& caller, std::string_view cosigned);

  CompartmentStart* start_;
  std::unique_ptr<AuditLog> log_;
  std::unique_ptr<RevealBudget> budget_;
  std::unique_ptr<PolicyRecord> policy_;
  SignInLimit sign_in_limit_{&SystemClock()};
  std::unique_ptr<WitnessRecord> witnesses_;
  std::atomic<bool> opened_{false};
  RpcServer server_{kThreads, [this](const RpcCaller& caller, uint8_t kind, std::string_view body) {
                      return Answer(caller, kind, body);
                    }};
};

Result<void> AuditCompartment::Open() {
  Result<AuditKeys> keys = ParseAuditKeys(start_->keys);
  if (!keys) {
    return keys.error();
  }
  Result<std::unique_ptr<AuditLog>> log =
      OpenAuditLog(RealFileSystem(), DataDirectory(start_->data_dir), *std::move(keys));
  if (!log) {
    return log.error();
  }
  log_ = *std::move(log);
  BudgetLimits most;
  most.organisation = limits::kSubjectsRevealedPerDay;
  most.actor = limits::kSubjectsRevealedPerActorAndDay;
  Result<std::unique_ptr<RevealBudget>> budget = RevealBudget::Open(log_.get(), most);
  if (!budget) {
    return budget.error();
  }
  budget_ = *std::move(budget);
  policy_ = std::make_unique<PolicyRecord>(
      DataDirectory(start_->data_dir),
      PolicyRecord::Parts{&WorldReadableFileSystem(), &SystemClock(),
                          [this](const AuditEntry& entry) {
                            const Result<AuditReceipt> receipt = log_->Append(entry);
                            return receipt ? Result<void>() : receipt.error();
                          }});
  Result<std::unique_ptr<WitnessRecord>> witnesses = WitnessRecord::Make(
      &RealFileSystem(), DataDirectory(start_->data_dir).Audit(), log_.get(), start_->witness_keys);
  if (!witnesses) {
    return witnesses.error();
  }
  witnesses_ = *std::move(witnesses);
  opened_.store(true, std::memory_order_release);
  return {};
}

Result<std::string> AuditCompartment::Answer(const RpcCaller& caller, uint8_t kind,
                                             std::string_view body) {
  if (!opened_.load(std::memory_order_acquire)) {
    return Error{ErrorCode::kUnavailable, "the audit log is being opened"};
  }
  if (!MayAsk(caller, kind)) {
    return Error{ErrorCode::kDenied, caller.compartment + " has no such call to the audit log"};
  }
  switch (kind) {
    case kAuditSignIn:
      return NoteSignIn(caller, body);
    case kAuditVendor:
      return NoteVendor(body);
    case kAuditIncident:
      return NoteIncident(body);
    case kAuditShown:
      return Shown(body);
    case kAuditAppend:
    case kAuditCharge:
    case kAuditForget:
      return AnswerEntry(kind, body);
    case kAuditErased:
      return Erased();
    case kAuditVetoed:
      return VetoedExports();
    case kAuditReceipt:
      return Receipt(body);
    case kAuditPolicy:
      return ChangePolicy(caller, body);
    case kAuditProve:
      return Prove(body);
    case kAuditCosigned:
      return KeepCosigned(caller, body);
    default:
      return Error{ErrorCode::kInvalid, "the audit log does not know that call"};
  }
}

Result<std::string> AuditCompartment::AnswerEntry(uint8_t kind, std::string_view body) {
  Result<AuditEntry> entry = DecodeAuditEntry(body);
  if (!entry) {
    return entry.error();
  }
  if (kind == kAuditForget) {
    Result<void> silent = log_->ForgetSubjects(entry->subjects);
    return silent ? Result<std::string>("") : silent.error();
  }
  std::string answer;
  ByteWriter writer(&answer);
  if (kind == kAuditAppend) {
    Result<AuditReceipt> receipt = log_->Append(*entry);
    if (!receipt) {
      return receipt.error();
    }
    writer.Varint(receipt->index);
    return answer;
  }
  Result<BudgetCharge> charge = budget_->Charge(*std::move(entry));
  if (!charge) {
    return charge.error();
  }
  writer.Varint(charge->receipt.index);
  writer.Varint(charge->left);
  return answer;
}

Result<std::string> AuditCompartment::Erased() {
  Result<AuditReader> reader = log_->Read();
  if (!reader) {
    return reader.error();
  }
  Result<std::vector<ErasedSubjectEntry>> erased = reader->ListErased();
  if (!erased) {
    return erased.error();
  }
  std::vector<LoggedErasure> erasures;
  for (const ErasedSubjectEntry& one : *erased) {
    erasures.push_back({ProjectId{one.project}, {one.subject, LogPositionOf(one.scope)}});
  }
  return EncodeErasures(erasures);
}

Result<std::string> AuditCompartment::VetoedExports() {
  Result<AuditReader> reader = log_->Read();
  if (!reader) {
    return reader.error();
  }
  const Result<std::vector<std::string>> vetoed = reader->ListVetoed();
  if (!vetoed) {
    return vetoed.error();
  }
  std::string answer;
  ByteWriter writer(&answer);
  writer.Varint(vetoed->size());
  for (const std::string& id : *vetoed) {
    writer.String(id);
  }
  return answer;
}

Result<std::string> AuditCompartment::KeepCosigned(const RpcCaller& caller,
                                                   std::string_view cosigned) {
  if (caller.compartment != CompartmentName(Compartment::kEgress)) {
    return Error{ErrorCode::kDenied, "egress alone speaks with witnesses"};
  }
  const Result<void> kept = witnesses_->Keep(cosigned);
  return kept ? Result<std::string>("") : kept.error();
}

Result<std::string> AuditCompartment::Prove(std::string_view body) const {
  ByteReader bytes(body);
  const uint64_t old_size = bytes.Varint();
  if (!bytes.ok() || !bytes.AtEnd()) {
    return Error{ErrorCode::kInvalid, "no size"};
  }
  const Result<AddCheckpoint> proof = witnesses_->Prove(old_size);
  return proof ? Result<std::string>(WriteAddCheckpoint(*proof)) : proof.error();
}

Result<std::string> AuditCompartment::ChangePolicy(const RpcCaller& caller,
                                                   std::string_view version) {
  if (caller.compartment != CompartmentName(Compartment::kIntake)) {
    return Error{ErrorCode::kDenied, "intake alone reads the policy file"};
  }
  std::string answer;
  if (version.empty()) {
    const Result<void> refused = policy_->Refuse();
    if (!refused) {
      return refused.error();
    }
    ByteWriter(&answer).Varint(0);
    return answer;
  }
  const Result<uint32_t> number = policy_->Accept(version);
  if (!number) {
    return number.error();
  }
  ByteWriter(&answer).Varint(*number);
  return answer;
}

Result<std::string> AuditCompartment::NoteSignIn(const RpcCaller& caller, std::string_view body) {
  const Result<AuditEntry> entry = DecodeAuditEntry(body);
  if (!entry) {
    return entry.error();
  }
  const std::optional<AuditEntry> plain = SignInEntry(*entry);
  if (!plain) {
    return Error{ErrorCode::kInvalid, "no sign-in"};
  }
  if (!sign_in_limit_.Take(caller.compartment)) {
    return Error{ErrorCode::kLimit, "too many sign-ins in this minute"};
  }
  const Result<AuditReceipt> receipt = log_->Append(*plain);
  std::string answer;
  if (receipt) {
    ByteWriter(&answer).Varint(receipt->index);
  }
  return receipt ? Result<std::string>(std::move(answer)) : receipt.error();
}

// Egress writes of vendors, and of no subject and no project's data.
Result<std::string> AuditCompartment::NoteVendor(std::string_view body) {
  const Result<AuditEntry> entry = DecodeAuditEntry(body);
  if (!entry) {
    return entry.error();
  }
  if (!entry->action.starts_with(kVendorAction) || !entry->subjects.empty()) {
    return Error{ErrorCode::kDenied, "no entry about a vendor"};
  }
  return AnswerEntry(kAuditAppend, body);
}

// Of subjects only where it says that somebody reads them.
Result<std::string> AuditCompartment::NoteIncident(std::string_view body) {
  const Result<AuditEntry> entry = DecodeAuditEntry(body);
  if (!entry) {
    return entry.error();
  }
  constexpr std::string_view kReads[] = {kIncidentSubjectsAction, kIncidentMatchAction,
                                         kIncidentSendAction,     kIncidentUndeliveredAction,
                                         kIncidentProofAction,    kNoticeCheckAction};
  const bool reads = std::ranges::find(kReads, entry->action) != std::end(kReads);
  const bool about =
      reads || entry->action.starts_with(kIncidentAction) || entry->action == kNoticeAction;
  if (!about || (!reads && !entry->subjects.empty())) {
    return Error{ErrorCode::kDenied, "no entry about an incident"};
  }
  return AnswerEntry(kAuditAppend, body);
}

// Written down here, so that whoever owns egress cannot ask unseen.
Result<std::string> AuditCompartment::Shown(std::string_view body) {
  const Result<ShownRequest> request = DecodeShownRequest(body);
  if (!request) {
    return request.error();
  }
  if (const Result<AuditReceipt> recorded = log_->Append(EntryOf(*request)); !recorded) {
    return recorded.error();
  }
  const Result<ShownPage> page = ListShown(*log_, request->query, request->from, kMaxShownSubjects);
  return page ? Result<std::string>(EncodeShownPage(*page)) : page.error();
}

Result<std::string> AuditCompartment::Receipt(std::string_view body) {
  ByteReader bytes(body);
  const uint64_t index = bytes.Varint();
  if (!bytes.ok() || !bytes.AtEnd()) {
    return Error{ErrorCode::kInvalid, "no index"};
  }
  Result<AuditReader> reader = log_->Read();
  return reader ? reader->MakeReceipt(index) : Result<std::string>(reader.error());
}

}  // namespace

std::unique_ptr<CompartmentRole> MakeAuditCompartment(CompartmentStart* start) {
  return std::make_unique<AuditCompartment>(start);
}

}  // namespace bulkhead
