// A token bucket over everything that tests whether a raw id or an address is known. One for all
// askers: the name in a call is only what the asking compartment says. Thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>

#include "base/clock.h"

namespace bulkhead {

struct GuessRate {
  uint64_t burst = 4000;     // two requests of 2,000 ids
  uint64_t per_second = 10;  // 864,000 a day
  uint64_t at_start = 2000;  // half of the burst: who can crash the vault gains little by it
};

class GuessLimit {
 public:
  GuessLimit(GuessRate rate, const Clock* clock)
      : rate_(rate), clock_(clock), milli_(rate.at_start * 1000), last_ms_(clock->NowMs()) {}

  // All of `count` or nothing.
  bool Take(uint64_t count) {
    const std::lock_guard lock(mutex_);
    const int64_t now_ms = clock_->NowMs();
    const auto passed = static_cast<uint64_t>(std::clamp<int64_t>(now_ms - last_ms_, 0, kLongest));
    last_ms_ = now_ms;  // a clock that goes back gives nothing and does not stop the flow
    milli_ = std::min(rate_.burst * 1000, milli_ + passed * rate_.per_second);
    if (milli_ < count * 1000) {
      refused_ += count;
      return false;
    }
    milli_ -= count * 1000;
    return true;
  }
  [[nodiscard]] uint64_t refused() const {
    const std::lock_guard lock(mutex_);
    return refused_;
  }

 private:
  static constexpr int64_t kLongest = 24LL * 3600 * 1000;
  const GuessRate rate_;
  const Clock* clock_;
  mutable std::mutex mutex_;
  uint64_t milli_;  // thousandths of a guess
  int64_t last_ms_;
  uint64_t refused_ = 0;
};

}  // namespace bulkhead
