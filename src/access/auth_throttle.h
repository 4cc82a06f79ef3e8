// Slows down guessing: after a burst of failures for a name, one more try every few seconds. Memory
// is fixed; two names that share a slot share its tries, and which do depends on a key that differs
// in each process. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "crypto/crypto.h"

namespace bulkhead {

class AuthThrottle {
 public:
  static constexpr int kBurst = 5;
  static constexpr int64_t kRefillMs = 10'000;

  explicit AuthThrottle(const SecretBytes& key) : slot_of_(key) {}

  [[nodiscard]] bool MayTry(std::string_view name, int64_t now_ms);
  void NoteFailure(std::string_view name, int64_t now_ms);
  void NoteSuccess(std::string_view name);

 private:
  struct Slot {
    int failures = 0;
    int64_t since_ms = 0;  // failures are forgiven one by one from here
  };
  static constexpr size_t kSlots = 4096;

  Slot& Find(std::string_view name) { return slots_[slot_of_.Digest64(name) % kSlots]; }
  static void Forgive(Slot* slot, int64_t now_ms);

  const KeyedHash slot_of_;
  std::array<Slot, kSlots> slots_{};
};

}  // namespace bulkhead
