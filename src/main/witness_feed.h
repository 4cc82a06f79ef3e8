// Submits the audit log's checkpoints to witnesses while the server runs. It lives in egress, which
// alone reaches the outside, and trusts neither end: the audit compartment checks what it brings.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "main/witness_exchange.h"

namespace bulkhead {

struct WitnessAddress {
  std::string url;  // http(s)://host:port, to which /add-checkpoint is added
};

struct WitnessStats {
  uint64_t cosigned_size = 0;  // of the log, at the witness that has the least
  int64_t cosigned_ms = 0;     // when that was signed; 0: never since the start
  uint64_t failures = 0;
};

// Thread-safe.
class WitnessFeed {
 public:
  static constexpr int64_t kFirstPauseMs = 10'000;  // after a failure, doubling
  static constexpr int64_t kLongestPauseMs = 600'000;

  struct Parts {
    const Clock* clock = nullptr;
    std::function<Result<AddCheckpoint>(uint64_t old_size)> prove;
    std::function<Result<void>(const std::string& cosigned)> keep;
    std::function<Result<WitnessReply>(const std::string& url, const std::string& body)> post;
    std::function<void(const std::string&)> log;  // what went wrong
  };
  WitnessFeed(std::vector<WitnessAddress> witnesses, Parts parts);
  ~WitnessFeed();
  WitnessFeed(const WitnessFeed&) = delete;
  WitnessFeed& operator=(const WitnessFeed&) = delete;

  // To each witness that has not the newest checkpoint; for the thread of Start() and for tests.
  void SubmitDue();
  void Start(std::chrono::milliseconds every);
  [[nodiscard]] WitnessStats stats() const;

 private:
  struct State {
    WitnessAddress witness;
    uint64_t known_size = 0;
    uint64_t cosigned_size = 0;
    int64_t cosigned_ms = 0;
    int64_t not_before_ms = 0;
    int64_t pause_ms = 0;
    std::string trouble;
  };
  Result<void> Submit(State* state);
  void NoteFailure(State* state, const std::string& why);
  void Run(std::chrono::milliseconds every);

  Parts parts_;
  std::mutex submitting_;      // one SubmitDue at a time
  std::vector<State> states_;  // of whoever submits; stats_ is for others
  mutable std::mutex mutex_;   // of all below
  WitnessStats stats_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace bulkhead
