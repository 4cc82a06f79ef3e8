// Quick answers to "was an event with this key seen?": the key being a hash of name, time and
// $insert_id fingerprint. Not thread-safe.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bit_mix.h"
#include "store/segment_data.h"

namespace bulkhead {

inline uint64_t EventKey(uint64_t name_hash, int64_t time_ms, uint64_t insert_id) {
  return MixBits(name_hash ^ MixBits(static_cast<uint64_t>(time_ms) * 0x9E3779B97F4A7C15ULL) ^
                 (insert_id & kFingerprintMask) * 0xC2B2AE3D27D4EB4FULL);
}

// A blocked Bloom filter: some 1 in 200 false alarms, one cache line per question.
class KeyFilter {
 public:
  explicit KeyFilter(size_t keys);
  void Add(uint64_t key);
  [[nodiscard]] bool MayContain(uint64_t key) const;
  void Prefetch(uint64_t key) const { __builtin_prefetch(&words_[BlockOf(key)]); }
  [[nodiscard]] size_t bytes() const { return words_.size() * sizeof(uint64_t); }

 private:
  [[nodiscard]] size_t BlockOf(uint64_t key) const {
    return static_cast<size_t>(((key >> 32) * blocks_) >> 32) * 8;  // blocks_ < 2^32
  }
  uint64_t blocks_;
  std::vector<uint64_t> words_;
};

// The exact set of keys of rows in memory, with their place in the order of arrival; a key may
// occur more than once.
class KeyTable {
 public:
  void Add(uint64_t key, uint64_t seq);
  // Calls f(seq) for each entry of that key until it returns true.
  template <typename F>
  bool Find(uint64_t key, F&& f) const {
    if (slots_.empty()) {
      return false;
    }
    const size_t mask = slots_.size() - 1;
    for (size_t at = key & mask; slots_[at].seq_plus_1 != 0; at = (at + 1) & mask) {
      if (slots_[at].key == key && f(slots_[at].seq_plus_1 - 1)) {
        return true;
      }
    }
    return false;
  }
  void Prefetch(uint64_t key) const {
    if (!slots_.empty()) {
      __builtin_prefetch(&slots_[key & (slots_.size() - 1)]);
    }
  }
  void Clear() { *this = KeyTable(); }

 private:
  struct Slot {
    uint64_t key = 0;
    uint64_t seq_plus_1 = 0;
  };
  void Grow();
  std::vector<Slot> slots_;
  size_t used_ = 0;
};

}  // namespace bulkhead
