// Messages of one vendor that are sent together, with whose they are and what the ledger has to
// know of each. Made from what lies in the queue, by the policy and epoch of the moment. Inside
// egress/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "egress/ledger.h"
#include "egress/outbound_message.h"
#include "egress/vendor_letters.h"
#include "egress/vendor_state.h"
#include "model/vendor_policy.h"

namespace bulkhead {

// What the ledger calls an event's name and its time.
inline constexpr std::string_view kSentEventName = "event name";
inline constexpr std::string_view kSentTime = "time";

// What the vault told of one subject: fields of form kIdentity.
struct SubjectIdentities {
  SubjectId subject;
  std::vector<OutboundField> fields;
};

class MessageBatch {
 public:
  struct Parts {
    const VendorPolicy* policy = nullptr;
    const VendorState* state = nullptr;
    const EpochIds* ids = nullptr;
  };

  // Everything of `queued` that the policy still lets through.
  void Add(QueuedBatch queued, const Parts& parts);

  // Of the profiles in it, each once, canaries too (egress/canary_ids.h).
  [[nodiscard]] std::vector<SubjectId> ProfileSubjects() const;
  // Adds direct identifiers to the profiles of their subjects, then leaves out profiles in which
  // there is nothing.
  void AddIdentities(const std::vector<SubjectIdentities>& identities);

  [[nodiscard]] const std::vector<OutboundMessage>& messages() const { return messages_; }
  [[nodiscard]] bool empty() const { return messages_.empty(); }
  // What is to be written down before any of it is sent. Canaries' messages as nobody's: what is
  // counted of subjects is of real ones.
  [[nodiscard]] LedgerBatch ForLedger() const;
  // The message as it lay in the queue, alone.
  [[nodiscard]] QueuedBatch SourceOf(size_t message) const;

 private:
  struct Source {
    size_t queued = 0;  // place in queued_
    bool profile = false;
    size_t index = 0;  // in its events or profile_updates
  };
  void AddMessage(OutboundMessage::Kind kind, size_t index, const Parts& parts);

  TimePrecision precision_ = TimePrecision::kDay;
  std::vector<QueuedBatch> queued_;
  std::vector<OutboundMessage> messages_;
  std::vector<Source> sources_;
  std::vector<SubjectId> subjects_;  // our own pseudonyms, message by message
};

}  // namespace bulkhead
