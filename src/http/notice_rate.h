// How often notices may be checked: by one address, and by all together. Memory only, and bounded.
// Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"

namespace bulkhead {

class NoticeRate {
 public:
  static constexpr int kAtOnce = 10;              // of one address,
  static constexpr int64_t kOneEveryMs = 20'000;  // and then one in so long
  static constexpr int kAllAtOnce = 200;
  static constexpr int64_t kAllOneEveryMs = 50;

  explicit NoticeRate(const Clock* clock) : clock_(clock) {}

  // An IPv6 address counts as its /64.
  bool May(const std::string& client_ip);

 private:
  // Full at the start; when it will be full again, if nobody takes from it.
  struct Bucket {
    int64_t full_ms = 0;
    bool Take(int64_t now_ms, int at_once, int64_t every_ms);
  };

  const Clock* clock_;
  std::mutex mutex_;
  Bucket all_;
  std::map<std::string, Bucket> of_client_;
};

}  // namespace bulkhead
