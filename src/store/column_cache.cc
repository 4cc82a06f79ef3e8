#include "store/column_cache.h"

#include <utility>
#include <vector>

namespace bulkhead {

ColumnCache::Column ColumnCache::Find(uint64_t segment, uint32_t slot) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(Key(segment, slot));
  if (found == entries_.end()) {
    return nullptr;
  }
  recent_.splice(recent_.begin(), recent_, found->second);
  return found->second->column;
}

void ColumnCache::Put(uint64_t segment, uint32_t slot, Column column, size_t bytes) {
  std::vector<Column> freed;  // destroyed after the lock is released
  const std::lock_guard lock(mutex_);
  const uint64_t key = Key(segment, slot);
  if (entries_.contains(key)) {
    return;
  }
  recent_.push_front({key, std::move(column), bytes});
  entries_[key] = recent_.begin();
  bytes_ += bytes;
  while (bytes_ > budget_bytes_ && recent_.size() > 1) {
    Entry& last = recent_.back();
    bytes_ -= last.bytes;
    entries_.erase(last.key);
    freed.push_back(std::move(last.column));
    recent_.pop_back();
  }
}

void ColumnCache::Forget(uint64_t segment) {
  std::vector<Column> freed;
  const std::lock_guard lock(mutex_);
  for (auto entry = recent_.begin(); entry != recent_.end();) {
    if (entry->key >> 20 != segment) {
      ++entry;
      continue;
    }
    bytes_ -= entry->bytes;
    entries_.erase(entry->key);
    freed.push_back(std::move(entry->column));
    entry = recent_.erase(entry);
  }
}

size_t ColumnCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace bulkhead
