#include "base/wiped_heap.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

namespace bulkhead {
namespace {

constexpr size_t kStackBytes = 48UL * 1024;

std::atomic<bool> wiping{false};

void* Allocate(std::size_t size, std::size_t alignment) {
  if (size == 0) size = 1;
  for (;;) {
    void* const block =
        alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__
            ? std::malloc(size)
            : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (block != nullptr) return block;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

void GiveBack(void* block) {
  if (block == nullptr) return;
  if (wiping.load(std::memory_order_relaxed)) explicit_bzero(block, malloc_usable_size(block));
  std::free(block);
}

}  // namespace

void WipeFreedMemory() { wiping.store(true, std::memory_order_relaxed); }

__attribute__((noinline)) void WipeUnusedStack() {
  unsigned char below[kStackBytes];
  explicit_bzero(below, sizeof below);
}

}  // namespace bulkhead

// The program's own, in place of the library's, wherever this file is linked: it is by whoever
// calls WipeFreedMemory. The forms not listed call these.
void* operator new(std::size_t size) {
  return bulkhead::Allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return bulkhead::Allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* block) noexcept { bulkhead::GiveBack(block); }
void operator delete(void* block, std::size_t) noexcept { bulkhead::GiveBack(block); }
void operator delete(void* block, std::align_val_t) noexcept { bulkhead::GiveBack(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  bulkhead::GiveBack(block);
}
