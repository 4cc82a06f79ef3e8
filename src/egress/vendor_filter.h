// What a vendor's policy lets through: whole events and updates to what is left of them. Pure. Core
// applies it to what it hands to egress, and egress once more to what it sends, which changes
// nothing unless the policy has become stricter meanwhile.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
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

// By which id it is decided who gets a person: that of the first device, so that who was seen
// before signing in stays where they are. Whoever is not in it: by their own.
using PlacingIds = std::unordered_map<SubjectId, SubjectId, SubjectIdHash>;
const SubjectId& PlacingId(const PlacingIds& ids, const SubjectId& person);

// Nothing: no rule names the event, the vendor's share has not the id that its person is placed by,
// or an update changes nothing that is named.
std::optional<AllowedMessage> AllowEvent(const VendorPolicy& policy, const Event& event,
                                         const SubjectId& placed_by);
// Of user profiles, what is set; nothing of groups.
std::optional<AllowedMessage> AllowUpdate(const VendorPolicy& policy, const ProfileUpdate& update,
                                          const SubjectId& placed_by);

// A batch with only what the policy lets through, without sealed fields; empty lists where that is
// nothing. Events keep their device, which is for whoever calls this and goes to no vendor.
Batch FilterBatch(const VendorPolicy& policy, const Batch& batch, const PlacingIds& ids);

}  // namespace bulkhead
