#include "base/wiped_heap.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/memory_search.h"

namespace bulkhead {
namespace {

// Never in one piece in the program's text, so that a search finds copies only.
std::string VeiledNeedle() {
  std::string veiled;
  for (const char c : {'n', 'e', 'e', 'd', 'l', 'e', '-', 'o', 'f', '-', 't',
                       'h', 'e', '-', 'w', 'i', 'p', 'e', 'd', '-', '4', '7'})
    veiled.push_back(static_cast<char>(c ^ kVeil));
  return veiled;
}

TEST(WipedHeapTest, WhatWasGivenBackHoldsNothing) {
  if (kSanitized) GTEST_SKIP() << "not with a sanitizer";
  WipeFreedMemory();
  const std::string veiled = VeiledNeedle();
  std::vector<std::unique_ptr<char[]>> blocks;
  for (int i = 0; i < 64; ++i) {
    blocks.push_back(std::make_unique<char[]>(static_cast<size_t>(40) << (i % 12)));
    Unveil(veiled, blocks.back().get());
  }
  EXPECT_GE(Copies(veiled), 64U) << "the search finds what is there";
  blocks.clear();
  EXPECT_EQ(Copies(veiled), 0U);
}

// At the far end of a deep frame, which what the search itself calls does not reach.
__attribute__((noinline)) void LeaveOnStack(const std::string& veiled) {
  char frame[32 * 1024];
  Unveil(veiled, frame);
  asm volatile("" : : "r"(frame) : "memory");
}

TEST(WipedHeapTest, UnusedStackHoldsNothing) {
  if (kSanitized) GTEST_SKIP() << "not with a sanitizer";
  const std::string veiled = VeiledNeedle();
  LeaveOnStack(veiled);
  EXPECT_EQ(Copies(veiled), 1U) << "the search finds what is there";
  WipeUnusedStack();
  EXPECT_EQ(Copies(veiled), 0U);
}

#if defined(__x86_64__)
__attribute__((noinline)) void ReadRegister15(char* out) {
  asm volatile("movups %%xmm15, (%0)" : : "r"(out) : "memory");
}

TEST(WipedHeapTest, RegistersHoldNothing) {
  char bytes[16] = "fifteen letters";
  asm volatile("movups (%0), %%xmm15" : : "r"(bytes) : "xmm15", "memory");
  WipeRegisters();
  ReadRegister15(bytes);
  EXPECT_EQ(std::string(bytes, sizeof bytes), std::string(sizeof bytes, '\0'));
}

__attribute__((noinline, target("avx512f"))) void FillRegister31(const char* bytes) {
  asm volatile("vmovups (%0), %%zmm31" : : "r"(bytes) : "memory");
}
__attribute__((noinline, target("avx512f"))) void ReadRegister31(char* out) {
  asm volatile("vmovups %%zmm31, (%0)" : : "r"(out) : "memory");
}

TEST(WipedHeapTest, NorDoWideRegisters) {
  if (__builtin_cpu_supports("avx512f") == 0) GTEST_SKIP() << "this machine has none";
  std::string bytes(64, 'n');
  FillRegister31(bytes.data());
  WipeRegisters();
  ReadRegister31(bytes.data());
  EXPECT_EQ(bytes, std::string(64, '\0'));
}
#endif

TEST(WipedHeapTest, AlignedBlocksAreAligned) {
  struct alignas(128) Wide {
    char bytes[200];
  };
  const auto wide = std::make_unique<Wide>();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(wide.get()) % 128, 0U);
}

}  // namespace
}  // namespace bulkhead
