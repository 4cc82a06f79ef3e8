// How egress asks the audit compartment whom somebody was shown (audit/subjects_shown.h), for an
// incident. The audit compartment writes down who asks before it answers each page. Both ends are
// this program; each may be in somebody else's hands, so that what is read is bounded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "audit/audit_entry.h"
#include "audit/subjects_shown.h"
#include "base/result.h"

namespace bulkhead {

inline constexpr uint8_t kAuditShown = 13;            // body: a request; answers a page
inline constexpr size_t kMaxShownSubjects = 500'000;  // of a page

struct ShownRequest {
  std::string asker;  // who has the incident opened
  ShownQuery query;
  ShownPlace from;
};
std::string EncodeShownRequest(const ShownRequest& request);
// kInvalid: not what EncodeShownRequest writes, or not one question.
Result<ShownRequest> DecodeShownRequest(std::string_view bytes);

std::string EncodeShownPage(const ShownPage& page);
// kInvalid: not what EncodeShownPage writes.
Result<ShownPage> DecodeShownPage(std::string_view bytes);

// What the log says of the request itself.
AuditEntry EntryOf(const ShownRequest& request);

}  // namespace bulkhead
