#include "access/auth_throttle.h"

namespace bulkhead {

void AuthThrottle::Forgive(Slot* slot, int64_t now_ms) {
  if (now_ms < slot->since_ms) {
    slot->since_ms =
        now_ms;  // the clock went back: count from now, or the wait could last for ever
  }
  while (slot->failures > 0 && now_ms - slot->since_ms >= kRefillMs) {
    --slot->failures;
    slot->since_ms += kRefillMs;
  }
}

bool AuthThrottle::MayTry(std::string_view name, int64_t now_ms) {
  Slot& slot = Find(name);
  Forgive(&slot, now_ms);
  return slot.failures < kBurst;
}

void AuthThrottle::NoteFailure(std::string_view name, int64_t now_ms) {
  Slot& slot = Find(name);
  Forgive(&slot, now_ms);
  if (slot.failures == 0) {
    slot.since_ms = now_ms;
  }
  ++slot.failures;
}

void AuthThrottle::NoteSuccess(std::string_view name) { Find(name).failures = 0; }

}  // namespace bulkhead
