// What lies in core of whom, for an incident at ourselves or of an export: everybody with an event
// on certain days, with the properties that their events and profiles have; no values. Egress asks,
// page by page; core writes down who has the incident opened before it answers. A property whose
// value is one of the sieve's placeholders counts as a token: the value is not here. A device that
// was linked to a user counts as that user.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/audit_entry.h"
#include "base/result.h"
#include "egress/ledger.h"
#include "model/ids.h"
#include "store/snapshot.h"

namespace bulkhead {

inline constexpr uint8_t kCoreHoldings = 5;  // body: a request; answers a page

struct HoldingsRequest {
  std::string asker;  // who has the incident opened
  ProjectId project;
  int32_t first_day = 0, last_day = 0;  // both belong to it, UTC, since 1970
  SubjectId after;                      // nobody: from the first on
};
std::string EncodeHoldingsRequest(const HoldingsRequest& request);
// kInvalid: not what EncodeHoldingsRequest writes.
Result<HoldingsRequest> DecodeHoldingsRequest(std::string_view bytes);

struct HoldingsPage {
  struct Entry {
    SubjectId subject;
    uint32_t set = 0;  // place in `sets`
  };
  struct Total {
    uint32_t field = 0;    // place in `fields`
    uint64_t records = 0;  // events and profiles that have it
    int32_t first_day = 0, last_day = 0;
  };
  SentFields fields;
  std::vector<std::vector<uint32_t>> sets;  // places in `fields`, growing
  std::vector<Entry> subjects;              // in order
  bool more = false;
  // Of everybody; on the first page alone.
  uint64_t records = 0;
  std::vector<Total> totals;
};
std::string EncodeHoldingsPage(const HoldingsPage& page);
// kInvalid: not what EncodeHoldingsPage writes, or a place that is none.
Result<HoldingsPage> DecodeHoldingsPage(std::string_view bytes);

// Up to `most` subjects; fewer where they have very many properties. One pass over the events for
// each sixteen properties of the project, on `threads`.
Result<HoldingsPage> ListHoldings(const Snapshot& snapshot, const HoldingsRequest& request,
                                  size_t most, int threads);
inline constexpr size_t kMaxHoldingsSubjects = 250'000;

// What the audit log says of the request.
AuditEntry EntryOf(const HoldingsRequest& request);

}  // namespace bulkhead
