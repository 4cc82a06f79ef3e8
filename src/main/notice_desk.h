// What egress answers to the operator's commands about sending notices: one JSON object in, one
// JSON value out. Before the first mail of a sending leaves, the audit log has who is to be told
// and a commitment to the words and to all recipients (incident/notice_commitment.h).
//
//   notice-addresses   id, page, [first]: addresses that the operator brings (base64 of
//                      EncodeAddressPage), kept in memory until the sending that uses them
//   notice-send        id, [dry_run, incomplete, refused]: counts, and the sending's number
//   notice-progress    id, [undelivered]: how far each sending has come
//   notice-credential  credential: the relay's password; empty: none
//   notice-records     domain: what the DNS must have
//   notice-proof       id, address: that and when a recipient was told, for a third party
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "audit/audit_entry.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "incident/incident_store.h"
#include "incident/notice_sender.h"
#include "main/desk_command.h"
#include "main/incident_gather.h"
#include "main/notice_check.h"
#include "main/notice_plan.h"
#include "sieve/policy_follower.h"

namespace bulkhead {

// From the supervisor: who asks and the command (main/desk_command.h).
inline constexpr uint8_t kEgressNoticeCommand = 6;

// Whether a command of the control socket is one of these: its "command" begins with "notice-".
bool IsNoticeCommand(std::string_view kind);

// What the vault told within the day's budget.
struct RevealedAddresses {
  AddressBook addresses;      // as the vault has them
  uint64_t not_revealed = 0;  // subjects beyond the budget
};

// Thread-safe; one command at a time.
class NoticeDesk {
 public:
  struct Parts {
    IncidentStore incidents;
    PolicyFollower policy;
    GatherParts gather;
    NoticeRounds* rounds = nullptr;
    NoticeCredential* credential = nullptr;
    NoticeSender* sender = nullptr;
    const NoticeCheck* check = nullptr;
    const EgressKeys* keys = nullptr;
    const Clock* clock = nullptr;
    std::function<Result<NoticeSettings>()> settings;
    std::function<Result<uint64_t>(const AuditEntry&)> record;
    std::function<Result<RevealedAddresses>(const IncidentVersion&, std::span<const SubjectId>)>
        reveal;
  };
  explicit NoticeDesk(Parts parts) : parts_(std::move(parts)) {}

  // `body` as EncodeDeskCommand made it.
  Result<std::string> Answer(std::string_view body);
  // Takes those who were erased out of all that waits; the ledger has forgotten them before. A
  // sending that is being made has them taken out once it is.
  Result<void> Forget(std::span<const SubjectId> subjects);

 private:
  // What a sending is made from.
  struct Basis {
    IncidentVersion version;
    NoticeSettings settings;
    std::vector<Notice> drafts;
    CoveredRecipients covered;
    SubjectsToTell all;
  };
  Result<std::string> Do(const DeskCommand& command);
  Result<std::string> TakeAddresses(const DeskCommand& command);
  Result<std::string> Send(const DeskCommand& command);
  Result<Basis> Prepare(const DeskCommand& command);
  Result<RevealedAddresses> AddressesOf(const Basis& basis, bool dry_run);
  Result<uint64_t> Commit(const DeskCommand& command, const Basis& basis, const NoticeRound& round);
  [[nodiscard]] NoticeRound RoundFor(const Basis& basis) const;
  // Commits, and has it sent from then on; the members that the answer has besides.
  Result<std::string> Begin(const DeskCommand& command, const Basis& basis, NoticeRound round);
  Result<std::string> Progress(const DeskCommand& command);
  Result<std::string> SetCredential(const DeskCommand& command);
  [[nodiscard]] Result<std::string> Records(const DeskCommand& command) const;
  Result<std::string> Proof(const DeskCommand& command);

  Parts parts_;
  std::mutex mutex_;
  std::string brought_for_;  // the incident
  AddressBook brought_;
};

}  // namespace bulkhead
