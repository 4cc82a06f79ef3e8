#include "crypto/secret_memory.h"

#include <sodium.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mutex>
#include <set>
#include <vector>

#include "base/check.h"
#include "crypto/crypto.h"

namespace bulkhead {
namespace {

constexpr size_t kSlotBytes = 256;     // a hashing state pair takes 224, a key 32
constexpr size_t kSlotsPerSlab = 240;  // 15 pages
constexpr size_t kAlignment = 16;

size_t RoundUp(size_t size, size_t unit) { return (size + unit - 1) / unit * unit; }

// Guarded pages, and what is known of them.
class SecretPages {
 public:
  // The end of what is given touches the guard behind it, but for alignment.
  uint8_t* Map(size_t size) {
    const size_t data = RoundUp(size, page_);
    void* mapped = ::mmap(nullptr, data + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    Check(mapped != MAP_FAILED, "no memory for secret bytes");
    uint8_t* begin = static_cast<uint8_t*>(mapped) + page_;
    Check(::mprotect(begin, data, PROT_READ | PROT_WRITE) == 0, "no memory for secret bytes");
    const bool locked = ::mlock(begin, data) == 0;
    const bool kept_out = ::madvise(begin, data, MADV_DONTDUMP) == 0;
    const bool wiped_on_fork = ::madvise(begin, data, MADV_WIPEONFORK) == 0;
    const std::lock_guard lock(mutex_);
    state_.mapped_bytes += data;
    if (!locked) {
      state_.unlocked_bytes += data;
      ++state_.lock_failures;
      unlocked_.insert(begin);
    }
    state_.advice_failures += kept_out && wiped_on_fork ? 0 : 1;
    return begin + Offset(size);
  }

  void Unmap(uint8_t* given, size_t size) {
    const size_t data = RoundUp(size, page_);
    uint8_t* begin = given - Offset(size);
    sodium_memzero(begin, data);
    {
      const std::lock_guard lock(mutex_);
      state_.mapped_bytes -= data;
      state_.unlocked_bytes -= unlocked_.erase(begin) != 0 ? data : 0;
    }
    Check(::munmap(begin - page_, data + 2 * page_) == 0, "secret pages are given back once");
  }

  SecretMemoryState state() {
    const std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  [[nodiscard]] size_t Offset(size_t size) const {
    return RoundUp(size, page_) - RoundUp(size, kAlignment);
  }
  const size_t page_ = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  std::mutex mutex_;
  SecretMemoryState state_;
  std::set<const uint8_t*> unlocked_;
};

// Never destroyed, since secrets in other static objects may outlive it.
SecretPages& Pages() {
  static auto* pages = new SecretPages;
  return *pages;
}

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
    uint8_t* slab = Pages().Map(kSlotsPerSlab * kSlotBytes);
    for (size_t i = kSlotsPerSlab; i-- > 0;) {
      free_.push_back(slab + i * kSlotBytes);
    }
  }
  std::mutex mutex_;
  std::vector<uint8_t*> free_;
};

SecretSlots& Slots() {
  static auto* slots = new SecretSlots;
  return *slots;
}

}  // namespace

uint8_t* AllocateSecret(size_t size) {
  InitCrypto();
  return size <= kSlotBytes ? Slots().Take() : Pages().Map(size);
}

void FreeSecret(uint8_t* data, size_t size) {
  if (data == nullptr) {
    return;
  }
  if (size <= kSlotBytes) {
    Slots().Return(data);
  } else {
    Pages().Unmap(data, size);
  }
}

SecretMemoryState ReadSecretMemoryState() { return Pages().state(); }

SecretMemoryReport ReportSecretMemory(const SecretMemoryState& state) {
  if (state.unlocked_bytes > 0) {
    return {std::to_string(state.unlocked_bytes) + " of " + std::to_string(state.mapped_bytes) +
                " bytes of memory for secrets could not be locked and may reach swap: raise the "
                "limit of locked memory (RLIMIT_MEMLOCK, LimitMEMLOCK=)",
            false};
  }
  if (state.advice_failures > 0) {
    return {"this kernel does not keep memory for secrets out of core dumps and forks", false};
  }
  return {"memory for secrets is locked and left out of core dumps (" +
              std::to_string(state.mapped_bytes) + " bytes" +
              (state.lock_failures > 0
                   ? "; locking failed " + std::to_string(state.lock_failures) + " times before)"
                   : ")"),
          true};
}

}  // namespace bulkhead
