// What a vendor's policy lets through: whole events and updates to what is left of them. Pure. Core
// applies it to what it hands to egress, and egress once more to what it sends, which changes
// nothing unless the policy has become stricter meanwhile.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "egress/outbound_message.h"
#include "model/event.h"
#include "model/vendor_policy.h"

namespace bulkhead {

struct AllowedMessage {
  OutboundMessage::Kind kind = OutboundMessage::Kind::kEvent;
  SubjectId subject;  // our own pseudonym
  std::string name;
  int64_t time_ms = 0;
  std::vector<OutboundField> fields;  // those of form kToken still with their value
};

// Nothing: no rule names the event, its person is not in the vendor's share, or an update changes
// nothing that is named.
std::optional<AllowedMessage> AllowEvent(const VendorPolicy& policy, const Event& event);
// Of user profiles, what is set; nothing of groups.
std::optional<AllowedMessage> AllowUpdate(const VendorPolicy& policy, const ProfileUpdate& update);

// A batch with only what the policy lets through, without sealed fields; empty lists where that is
// nothing.
Batch FilterBatch(const VendorPolicy& policy, const Batch& batch);

}  // namespace bulkhead
