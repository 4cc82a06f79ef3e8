// How vendors' events come from core to egress: egress asks from a position of the log on, and gets
// what the vendors' policies let through. So egress needs no key to the log, and whoever owns it
// gets what vendors get.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "audit/audit_entry.h"
#include "base/file_system.h"
#include "base/result.h"
#include "channel/rpc_client.h"
#include "crypto/key_ring.h"
#include "egress/vendor_filter.h"
#include "egress/vendor_gateway.h"
#include "log/log_follower.h"
#include "sieve/policy_follower.h"

namespace bulkhead {

inline constexpr uint8_t kCoreVendorFeed = 2;  // body: a position; answers a page

std::string EncodeFeedRequest(uint64_t position);
Result<uint64_t> DecodeFeedRequest(std::string_view bytes);
// A span of stored events, for one vendor; answers a page with one entry, or none. kLimit: more
// events than go at once, ask for less.
inline constexpr uint8_t kCoreVendorBackfill = 3;
struct BackfillRequest {
  std::string vendor;
  int64_t from_ms = 0, to_ms = 0;  // from <= time < to
};
std::string EncodeBackfillRequest(const BackfillRequest& request);
Result<BackfillRequest> DecodeBackfillRequest(std::string_view bytes);
// That it was asked; core writes it down before it answers.
AuditEntry EntryOf(const BackfillRequest& request);

std::string EncodeFeedPage(const VendorFeedPage& page);
// kInvalid: not what EncodeFeedPage writes.
Result<VendorFeedPage> DecodeFeedPage(std::string_view bytes);

// Core's side. Thread-safe.
class VendorFeed {
 public:
  struct Parts {
    FileSystem* fs = nullptr;
    std::string log_dir;
    std::string policy_versions_dir;
    const SealKeyRing* log_keys = nullptr;  // outlives the feed
    // Of what the store has applied too: whoever is linked by a record is known when it passes.
    std::function<uint64_t()> durable_end;
    std::function<void(Batch*)> join;  // gives the events of known devices to their users
    std::function<PlacingIds(const Batch&)> place;
    std::function<Result<std::vector<Event>>(ProjectId, int64_t from_ms, int64_t to_ms)> stored;
  };
  explicit VendorFeed(Parts parts);
  Result<VendorFeedPage> Page(uint64_t position);
  // kNotFound: the policy names no such vendor.
  Result<VendorFeedPage> Backfill(const BackfillRequest& request);

 private:
  Result<bool> GoTo(uint64_t position);
  Result<void> AddRecord(const LogRecord& record, VendorFeedPage* page, size_t* bytes);

  const Parts parts_;
  std::mutex mutex_;
  PolicyFollower policy_;
  std::optional<LogFollower> log_;
};

}  // namespace bulkhead
