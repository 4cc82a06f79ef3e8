// Decoded columns of disk segments under a memory budget: the least recently used go first. What a
// scan holds stays alive regardless. Thread-safe.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace bulkhead {

class ColumnCache {
 public:
  explicit ColumnCache(size_t budget_bytes) : budget_bytes_(budget_bytes) {}

  using Column = std::shared_ptr<const void>;
  Column Find(uint64_t segment, uint32_t slot);
  void Put(uint64_t segment, uint32_t slot, Column column, size_t bytes);
  void Forget(uint64_t segment);
  [[nodiscard]] size_t bytes() const;

 private:
  struct Entry {
    uint64_t key;
    Column column;
    size_t bytes;
  };
  static uint64_t Key(uint64_t segment, uint32_t slot) { return segment << 20 | slot; }

  mutable std::mutex mutex_;
  size_t budget_bytes_;
  size_t bytes_ = 0;
  std::list<Entry> recent_;  // front = most recently used
  std::unordered_map<uint64_t, std::list<Entry>::iterator> entries_;
};

}  // namespace bulkhead
