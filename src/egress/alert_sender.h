// Tells teams when a rule of the sieve first hits what their library sends: a signed webhook to
// each route that the policy in force has for it. What was told is remembered over restarts; what
// could not be told is tried again with growing pauses. docs/policy-schema.md, "Alerts".
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "egress/outbound_client.h"
#include "egress/told_file.h"
#include "sieve/policy_follower.h"
#include "sieve/sieve_counters.h"

namespace bulkhead {

// The signing secret of that name, as both ends know it: 32 bytes.
SecretBytes WebhookSecret(const SecretBytes& webhook_key, std::string_view name);

struct AlertStats {
  uint64_t sent = 0;      // messages that were taken
  uint64_t failures = 0;  // attempts that were not
  uint64_t untold = 0;    // hits that wait, over all routes
};

// Thread-safe.
class AlertSender {
 public:
  // First hits that are remembered; as many as the sieve's counters keep.
  static constexpr size_t kMaxHits = SieveCounters::kMaxKeys;
  static constexpr size_t kMaxHitsInMessage = 100;

  struct Parts {
    FileSystem* fs = nullptr;
    const Clock* clock = nullptr;
    std::string dir;                           // its own, for what was told
    std::string policy_versions_dir;           // read only
    const SecretBytes* webhook_key = nullptr;  // outlives the sender
    std::function<Result<OutboundReply>(const OutboundRequest&)> post;
    std::function<void(const std::string&)> log;  // what went wrong; may be null
  };
  static Result<std::unique_ptr<AlertSender>> Open(Parts parts);
  ~AlertSender();
  AlertSender(const AlertSender&) = delete;
  AlertSender& operator=(const AlertSender&) = delete;

  void Add(const std::vector<FirstHit>& hits);
  // Sends what is due now; for the thread of StartSending and for tests.
  void SendDue();
  void StartSending(std::chrono::milliseconds every);
  [[nodiscard]] AlertStats stats() const;

 private:
  using HitKey = std::tuple<ProjectId, std::string, std::string, std::string>;
  struct RouteState {
    uint32_t failures = 0;
    int64_t not_before_ms = 0;
  };
  struct Message {
    ProjectId project;
    AlertRoute route;
    std::string route_key;
    std::vector<FirstHit> hits;
    std::set<ToldFile::Digest> digests;
  };

  explicit AlertSender(Parts parts);
  std::vector<Message> CollectDue();
  void CollectRoute(ProjectId project, const AlertRoute& route, const std::vector<FirstHit>& hits,
                    std::vector<Message>* due);
  [[nodiscard]] Result<void> Send(const Message& message) const;
  void Note(const Message& message, const Result<void>& sent);
  void Run(std::chrono::milliseconds every);

  Parts parts_;
  PolicyFollower policy_;
  std::unique_ptr<ToldFile> told_;
  std::map<std::string, RouteState> routes_;
  std::set<ToldFile::Digest> wanted_;  // of all routes and hits at the last look
  std::mutex sending_;                 // one SendDue at a time; guards all above

  mutable std::mutex mutex_;  // of all below
  std::map<HitKey, FirstHit> hits_;
  AlertStats stats_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace bulkhead
