// Time and randomness as seams, so that tests decide both.
#pragma once

#include <cstdint>
#include <span>

namespace bulkhead {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual int64_t NowMs() const = 0;  // UTC, milliseconds since 1970
};

const Clock& SystemClock();

class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t now_ms) : now_ms_(now_ms) {}
  [[nodiscard]] int64_t NowMs() const override { return now_ms_; }
  void Set(int64_t now_ms) { now_ms_ = now_ms; }

 private:
  int64_t now_ms_;
};

}  // namespace bulkhead
