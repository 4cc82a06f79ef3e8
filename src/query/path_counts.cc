#include "query/path_counts.h"

#include <algorithm>

namespace bulkhead {
namespace {

constexpr size_t kFirstSlots = 64;

// FNV-1a's steps over whole words, with the high bits brought down at the end.
uint64_t HashOf(std::span<const uint32_t> path) {
  uint64_t hash = 0xCBF29CE484222325;
  for (const uint32_t step : path) {
    hash = (hash ^ step) * 0x9E3779B97F4A7C15;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace

size_t PathCounts::BytesWith(size_t paths) const {
  return paths * (length_ * sizeof(uint32_t) + sizeof(uint64_t) + 4 * sizeof(uint32_t));
}

// Of the path, or where it would go.
size_t PathCounts::SlotOf(std::span<const uint32_t> path) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = HashOf(path) & mask;
  while (slots_[slot] != kFree && !std::ranges::equal(Path(slots_[slot]), path)) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

void PathCounts::Grow() {
  slots_.assign(std::max(kFirstSlots, slots_.size() * 2), kFree);
  for (uint32_t place = 0; place < counts_.size(); ++place) {
    slots_[SlotOf(Path(place))] = place;
  }
}

void PathCounts::Add(std::span<const uint32_t> path, uint64_t count) {
  if (counts_.size() * 2 >= slots_.size()) {
    if (BytesWith(counts_.size() + 1) > max_bytes_) {
      full_ = true;
      return;
    }
    Grow();
  }
  const size_t slot = SlotOf(path);
  if (slots_[slot] == kFree) {
    if (BytesWith(counts_.size() + 1) > max_bytes_) {
      full_ = true;
      return;
    }
    slots_[slot] = static_cast<uint32_t>(counts_.size());
    steps_.insert(steps_.end(), path.begin(), path.end());
    counts_.push_back(0);
  }
  counts_[slots_[slot]] += count;
}

}  // namespace bulkhead
