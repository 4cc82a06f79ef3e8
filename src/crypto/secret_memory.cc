#include "crypto/secret_memory.h"

#include <sodium.h>

#include <mutex>
#include <vector>

#include "base/check.h"
#include "crypto/crypto.h"

namespace bulkhead {
namespace {

constexpr size_t kSlotBytes = 256;     // a hashing state pair takes 224, a key 32
constexpr size_t kSlotsPerSlab = 240;  // 15 pages

// Slabs are never given back: what a process needs at its busiest it will need again, and that is
// little.
class SecretSlots {
 public:
  uint8_t* Take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) {
      AddSlab();
    }
    uint8_t* slot = free_.back();
    free_.pop_back();
    return slot;
  }
  void Return(uint8_t* slot) {
    sodium_memzero(slot, kSlotBytes);
    const std::lock_guard lock(mutex_);
    free_.push_back(slot);
  }

 private:
  void AddSlab() {
    InitCrypto();  // guarded pages need its canary
    auto* slab = static_cast<uint8_t*>(sodium_allocarray(kSlotsPerSlab, kSlotBytes));
    Check(slab != nullptr, "no memory for secret bytes");
    sodium_memzero(slab, kSlotsPerSlab * kSlotBytes);
    for (size_t i = kSlotsPerSlab; i-- > 0;) {
      free_.push_back(slab + i * kSlotBytes);
    }
  }
  std::mutex mutex_;
  std::vector<uint8_t*> free_;
};

// Never destroyed, since secrets in other static objects may outlive it.
SecretSlots& Slots() {
  static auto* slots = new SecretSlots;
  return *slots;
}

}  // namespace

uint8_t* AllocateSecret(size_t size) {
  if (size <= kSlotBytes) {
    return Slots().Take();
  }
  InitCrypto();
  auto* data = static_cast<uint8_t*>(sodium_malloc(size));
  Check(data != nullptr, "no memory for secret bytes");
  sodium_memzero(data, size);
  return data;
}

void FreeSecret(uint8_t* data, size_t size) {
  if (data == nullptr) {
    return;
  }
  if (size <= kSlotBytes) {
    Slots().Return(data);
  } else {
    sodium_free(data);  // wipes
  }
}

}  // namespace bulkhead
