// All vendors together: one sender for each that the policy names, fed from one place. Feeding goes
// on whatever a vendor does; a vendor that fails has a queue of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"
#include "egress/ledger.h"
#include "egress/vendor_sender.h"
#include "model/event.h"
#include "model/vendor_policy.h"
#include "sieve/policy_follower.h"

namespace bulkhead {

// What the log holds for vendors from one position on.
struct VendorFeedEntry {
  std::string vendor;
  uint64_t log_position = 0;
  Batch filtered;  // an event's device: the id that its person is placed by, where not their own
  // Of a back-fill, for each event: the device that it was sent under, if that was linked since.
  std::vector<SubjectId> sent_as = {};
};
struct VendorFeedPage {
  std::vector<VendorFeedEntry> entries;
  uint64_t next_position = 0;
  bool more = false;  // ask again at once
  bool gap = false;   // the log began behind the position: what lay between did not reach vendors
};

// Thread-safe.
class VendorGateway {
 public:
  struct Parts {
    FileSystem* fs = nullptr;
    const Clock* clock = nullptr;
    std::string dir;  // DIR/egress
    std::string policy_versions_dir;
    const KeyRing* keys = nullptr;  // outlives the gateway, as do all these
    Ledger* ledger = nullptr;
    std::function<Result<OutboundReply>(const OutboundRequest&)> post;
    decltype(VendorSender::Parts::reveal) reveal;
    std::function<void(const std::string&)> log;
    // Of position 0: from the log's present end on.
    std::function<Result<VendorFeedPage>(uint64_t position)> pull;
    // The log before this may go as far as vendors are concerned; nothing: all of it.
    std::function<void(std::optional<uint64_t> position)> fed_to;
  };
  static Result<std::unique_ptr<VendorGateway>> Open(Parts parts);
  ~VendorGateway();
  VendorGateway(const VendorGateway&) = delete;
  VendorGateway& operator=(const VendorGateway&) = delete;

  void Start();
  // Reads the policy, then one page of the feed; whether to go on at once. For Start and for tests.
  bool Step();

  // Erased subjects: out of the ledger and of what waits for vendors, who are asked to delete them.
  Result<void> Forget(const std::vector<SubjectId>& subjects);
  // How many of the audit log's erasures have been carried out here, over restarts.
  [[nodiscard]] Result<uint64_t> Forgotten() const;
  Result<void> SetForgotten(uint64_t erasures);

  // Null: the policy names no such vendor.
  [[nodiscard]] std::shared_ptr<VendorSender> Find(const std::string& name) const;
  [[nodiscard]] std::vector<VendorStatus> List() const;
  [[nodiscard]] VendorPolicies policies() const;
  [[nodiscard]] uint64_t gaps() const { return gaps_; }
  [[nodiscard]] std::string trouble() const;

 private:
  explicit VendorGateway(Parts parts);
  [[nodiscard]] Result<uint64_t> Load(const std::string& name) const;
  Result<void> SavePosition(uint64_t position);
  void FollowPolicy();
  void Take(const VendorPolicies& policies);
  Result<void> Feed(const VendorFeedEntry& entry);
  Result<bool> PullOnce();
  void SetTrouble(const std::string& text);
  void Run();

  const Parts parts_;
  PolicyFollower policy_;  // of the feeding thread, as are these
  uint64_t position_ = 0;  // the feed's next
  uint64_t saved_position_ = 0;
  int64_t looked_ms_ = 0;  // at the policy and the epochs

  mutable std::mutex mutex_;  // of all below
  VendorPolicies policies_;
  std::map<std::string, std::shared_ptr<VendorSender>> senders_;
  std::map<std::string, std::string> troubles_;  // of vendors that cannot be opened
  std::string trouble_;
  std::atomic<uint64_t> gaps_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace bulkhead
