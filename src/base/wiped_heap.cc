#include "base/wiped_heap.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/sanitized.h"

namespace bulkhead {
namespace {

constexpr size_t kStackBytes = 48UL * 1024;

std::atomic<bool> wiping{false};

#if !BULKHEAD_SANITIZED
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
#endif

// Calls may change all vector registers, so that no caller of these has anything in them.
#if defined(__x86_64__)
__attribute__((noinline)) void WipeLow128() {
  asm volatile(
      "pxor %xmm0, %xmm0\n pxor %xmm1, %xmm1\n pxor %xmm2, %xmm2\n pxor %xmm3, %xmm3\n"
      "pxor %xmm4, %xmm4\n pxor %xmm5, %xmm5\n pxor %xmm6, %xmm6\n pxor %xmm7, %xmm7\n"
      "pxor %xmm8, %xmm8\n pxor %xmm9, %xmm9\n pxor %xmm10, %xmm10\n pxor %xmm11, %xmm11\n"
      "pxor %xmm12, %xmm12\n pxor %xmm13, %xmm13\n pxor %xmm14, %xmm14\n pxor %xmm15, %xmm15");
}
// The whole of the first sixteen.
__attribute__((noinline, target("avx"))) void WipeFirst16() { asm volatile("vzeroall"); }
// The other sixteen.
__attribute__((noinline, target("avx512f"))) void WipeOther16() {
  asm volatile(
      "vpxorq %zmm16, %zmm16, %zmm16\n vpxorq %zmm17, %zmm17, %zmm17\n"
      "vpxorq %zmm18, %zmm18, %zmm18\n vpxorq %zmm19, %zmm19, %zmm19\n"
      "vpxorq %zmm20, %zmm20, %zmm20\n vpxorq %zmm21, %zmm21, %zmm21\n"
      "vpxorq %zmm22, %zmm22, %zmm22\n vpxorq %zmm23, %zmm23, %zmm23\n"
      "vpxorq %zmm24, %zmm24, %zmm24\n vpxorq %zmm25, %zmm25, %zmm25\n"
      "vpxorq %zmm26, %zmm26, %zmm26\n vpxorq %zmm27, %zmm27, %zmm27\n"
      "vpxorq %zmm28, %zmm28, %zmm28\n vpxorq %zmm29, %zmm29, %zmm29\n"
      "vpxorq %zmm30, %zmm30, %zmm30\n vpxorq %zmm31, %zmm31, %zmm31");
}
#endif

}  // namespace

void WipeFreedMemory() { wiping.store(true, std::memory_order_relaxed); }

__attribute__((noinline)) void WipeUnusedStack() {
  unsigned char below[kStackBytes];
  explicit_bzero(below, sizeof below);
}

void WipeRegisters() {
#if defined(__x86_64__)
  WipeLow128();
  if (__builtin_cpu_supports("avx") != 0) WipeFirst16();
  if (__builtin_cpu_supports("avx512f") != 0) WipeOther16();
#endif
}

}  // namespace bulkhead

// A sanitizer's own forms stay together: some of them do not call these.
#if !BULKHEAD_SANITIZED
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
#endif
