#include "base/clock.h"

#include <chrono>

namespace bulkhead {
namespace {

class RealClock final : public Clock {
 public:
  [[nodiscard]] int64_t NowMs() const override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  }
};

}  // namespace

const Clock& SystemClock() {
  static const RealClock clock;
  return clock;
}

}  // namespace bulkhead
