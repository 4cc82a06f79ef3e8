// How far the log is durable, for those who follow it in another process than its writer's.
#pragma once

#include <chrono>
#include <cstdint>

#include "channel/status_board.h"
#include "main/board_numbers.h"

namespace bulkhead {

class LogEnd {
 public:
  explicit LogEnd(const StatusBoard* intake) : intake_(intake) {}

  [[nodiscard]] uint64_t durable_end() const { return intake_->Get(kIntakeDurableEnd); }
  // Returns once durable_end() is past `position`, or after `timeout`.
  void WaitForData(uint64_t position, std::chrono::milliseconds timeout) const {
    const uint32_t seen = intake_->changes();
    if (durable_end() <= position) {
      intake_->WaitForChange(seen, timeout);
    }
  }

 private:
  const StatusBoard* intake_;
};

}  // namespace bulkhead
