#include "store/key_filter.h"

#include <algorithm>
#include <utility>

namespace bulkhead {
namespace {

constexpr size_t kBitsPerKey = 12;
constexpr int kProbes = 6;

}  // namespace

KeyFilter::KeyFilter(size_t keys)
    : blocks_(std::max<size_t>(1, (keys * kBitsPerKey + 511) / 512)), words_(blocks_ * 8) {}

// The block takes the key's high bits, the places in it come from a second mix.
void KeyFilter::Add(uint64_t key) {
  uint64_t* block = &words_[BlockOf(key)];
  uint64_t bits = MixBits(key + 0x9E3779B97F4A7C15ULL);
  for (int i = 0; i < kProbes; ++i, bits >>= 9) {
    block[(bits >> 6) & 7] |= 1ULL << (bits & 63);
  }
}

bool KeyFilter::MayContain(uint64_t key) const {
  const uint64_t* block = &words_[BlockOf(key)];
  uint64_t bits = MixBits(key + 0x9E3779B97F4A7C15ULL);
  for (int i = 0; i < kProbes; ++i, bits >>= 9) {
    if (((block[(bits >> 6) & 7] >> (bits & 63)) & 1U) == 0) {
      return false;
    }
  }
  return true;
}

void KeyTable::Add(uint64_t key, uint64_t seq) {
  if (slots_.size() < used_ * 2 + 2) {
    Grow();
  }
  const size_t mask = slots_.size() - 1;
  size_t at = key & mask;
  while (slots_[at].seq_plus_1 != 0) {
    at = (at + 1) & mask;
  }
  slots_[at] = {key, seq + 1};
  ++used_;
}

void KeyTable::Grow() {
  std::vector<Slot> old = std::exchange(slots_, {});
  slots_.resize(std::max<size_t>(1024, old.size() * 2));
  const size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.seq_plus_1 == 0) {
      continue;
    }
    size_t at = slot.key & mask;
    while (slots_[at].seq_plus_1 != 0) {
      at = (at + 1) & mask;
    }
    slots_[at] = slot;
  }
}

}  // namespace bulkhead
