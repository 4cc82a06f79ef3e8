// How compartments ask the audit compartment: the kinds of calls and their bytes. Both ends are
// this program; each may be in somebody else's hands, so that everything that is read is bounded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/audit_entry.h"
#include "audit/witness.h"
#include "base/result.h"
#include "channel/rpc_client.h"
#include "main/audit_shown.h"
#include "vault/vault.h"

namespace bulkhead {

inline constexpr uint8_t kAuditAppend = 1;   // an entry; answers its index once it is durable
inline constexpr uint8_t kAuditCharge = 2;   // the same, its subjects charged to its actor's budget
inline constexpr uint8_t kAuditErased = 3;   // nothing; answers all erasures
inline constexpr uint8_t kAuditReceipt = 4;  // an index; answers the receipt's text
inline constexpr uint8_t kAuditForget = 5;  // subjects that were erased: sets become silent of them

inline constexpr uint8_t kAuditVetoed = 6;  // nothing; answers the ids of all vetoed exports
// The policy file's version; answers its number once it is in force. Empty: the file was refused.
inline constexpr uint8_t kAuditPolicy = 7;
inline constexpr uint8_t kAuditSignIn = 8;  // a sign-in's entry; as kAuditAppend
// A size; answers the newest checkpoint with the proof that it continues so many entries
// (audit/witness.h, AddCheckpoint).
inline constexpr uint8_t kAuditProve = 9;
inline constexpr uint8_t kAuditVendor = 11;    // an entry about a vendor; as kAuditAppend
inline constexpr uint8_t kAuditCosigned = 10;  // a checkpoint that a witness cosigned; kept

std::string EncodeAuditEntry(const AuditEntry& entry);
// kInvalid: not what EncodeAuditEntry writes.
Result<AuditEntry> DecodeAuditEntry(std::string_view bytes);

// An entry about an incident at a vendor; as kAuditAppend.
inline constexpr uint8_t kAuditIncident = 12;

// What actions about vendors begin with.
inline constexpr std::string_view kVendorAction = "vendor.";
// And about incidents: reads of persons, which name their subjects; that notices are about to go
// out (incident/notice_commitment.h); and all others, which name nobody.
inline constexpr std::string_view kIncidentAction = "incident.";
inline constexpr std::string_view kIncidentSubjectsAction = "incident.subjects";
inline constexpr std::string_view kIncidentMatchAction = "incident.match";
inline constexpr std::string_view kIncidentSendAction = "incident.send";
inline constexpr std::string_view kIncidentUndeliveredAction = "incident.undelivered";
inline constexpr std::string_view kIncidentProofAction = "incident.proof";
inline constexpr std::string_view kNoticeCheckAction = "notice.check";
inline constexpr std::string_view kNoticeAction = "notice";
// What the compartment that answers writes before it tells egress, for an incident, whom it has or
// somebody was shown.
inline constexpr std::string_view kIncidentSurveyAction = "incident.survey";

// An erasure as the log keeps it: of one subject of one project.
struct LoggedErasure {
  ProjectId project;
  Tombstone tombstone;
};
std::string EncodeErasures(const std::vector<LoggedErasure>& erasures);
Result<std::vector<LoggedErasure>> DecodeErasures(std::string_view bytes);

// What an erasure's entry says of the log, in its scope.
std::string ErasureScope(uint64_t log_position, std::string_view reference);
uint64_t LogPositionOf(std::string_view erasure_scope);  // 0: it says nothing

struct AuditCharged {
  uint64_t index = 0;
  uint64_t left = 0;  // of the budget
};

// Where entries go: the log itself, or the compartment that has it.
class AuditSink {
 public:
  virtual ~AuditSink() = default;
  // The entry's index. Durable when it returns; an error means that what it records must not
  // happen.
  virtual Result<uint64_t> Append(const AuditEntry& entry) = 0;
};

class RemoteAudit final : public AuditSink {
 public:
  void Attach(Descriptor line) { client_.Attach(std::move(line)); }
  Result<uint64_t> Append(const AuditEntry& entry) override;
  Result<uint64_t> NoteSignIn(const AuditEntry& entry);
  Result<uint64_t> NoteVendor(const AuditEntry& entry);
  Result<uint64_t> NoteIncident(const AuditEntry& entry);
  Result<ShownPage> Shown(const ShownRequest& request);
  // kLimit: over the budget.
  Result<AuditCharged> Charge(const AuditEntry& entry);
  // All that the log ever recorded, oldest first.
  Result<std::vector<LoggedErasure>> Erased();
  Result<std::vector<std::string>> VetoedExports();
  Result<std::string> Receipt(uint64_t index);
  Result<void> Forget(const std::vector<SubjectId>& subjects);
  // As kAuditPolicy: PolicyRecord::Accept or Refuse over there.
  Result<uint32_t> ChangePolicy(std::string version);
  Result<AddCheckpoint> Prove(uint64_t old_size);
  Result<void> KeepCosigned(std::string cosigned);

 private:
  Result<uint64_t> CallForIndex(uint8_t kind, const AuditEntry& entry);

  RpcClient client_;
};

}  // namespace bulkhead
