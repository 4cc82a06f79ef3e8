// How often each of many sequences occurs: a hash table over sequences of one length, kept one
// behind the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bulkhead {

class PathCounts {
 public:
  // `max_bytes`: what the table may take; what is new beyond that is not counted, and full() says
  // so.
  PathCounts(size_t length, size_t max_bytes) : length_(length), max_bytes_(max_bytes) {}

  void Add(std::span<const uint32_t> path, uint64_t count);
  [[nodiscard]] bool full() const { return full_; }

  [[nodiscard]] size_t size() const { return counts_.size(); }
  [[nodiscard]] std::span<const uint32_t> Path(size_t place) const {
    return std::span(steps_).subspan(place * length_, length_);
  }
  [[nodiscard]] uint64_t Count(size_t place) const { return counts_[place]; }

 private:
  static constexpr uint32_t kFree = UINT32_MAX;
  [[nodiscard]] size_t BytesWith(size_t paths) const;
  size_t SlotOf(std::span<const uint32_t> path) const;
  void Grow();

  size_t length_;
  size_t max_bytes_;
  bool full_ = false;
  std::vector<uint32_t> steps_;
  std::vector<uint64_t> counts_;
  std::vector<uint32_t> slots_;  // a power of two of them, at most half of them taken: places
};

}  // namespace bulkhead
