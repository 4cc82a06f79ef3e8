// Intake's way of telling egress of first hits: never waits where hits are counted, keeps what
// could not be handed over yet.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "channel/rpc_client.h"
#include "sieve/sieve_counters.h"

namespace bulkhead {

// Thread-safe.
class AlertFeed {
 public:
  // `egress` outlives it.
  explicit AlertFeed(RpcClient* egress) : egress_(egress) {}
  ~AlertFeed();
  AlertFeed(const AlertFeed&) = delete;
  AlertFeed& operator=(const AlertFeed&) = delete;

  // Begins to hand over, on a thread of its own. Once.
  void Start();
  // Hits beyond SieveCounters::kMaxKeys that wait are dropped; there are no more by themselves.
  void Add(const FirstHit& hit);
  // Egress was started, or started again, and `egress` is attached to it: it is told everything
  // anew.
  void BeginAnew();

 private:
  void Run();

  RpcClient* egress_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<FirstHit> hits_;
  size_t handed_over_ = 0;  // of hits_
  uint64_t attached_ = 0;   // how often
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace bulkhead
