// A hash map that can be frozen cheaply: a view shares the shards, and the first change to a shard
// after that copies it. The map itself is not thread-safe; views are immutable and are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

namespace bulkhead {

template <typename Key, typename V, typename Hash>
class CowMap {
 public:
  static constexpr size_t kShards = 256;
  using Shard = std::unordered_map<Key, V, Hash>;

  class View {
   public:
    [[nodiscard]] const V* Find(const Key& key) const {
      const auto& shard = shards_[ShardOf(key)];
      if (shard == nullptr) {
        return nullptr;
      }
      const auto found = shard->find(key);
      return found == shard->end() ? nullptr : &found->second;
    }
    template <typename F>
    void ForEach(F&& f) const {  // in no order
      for (const auto& shard : shards_) {
        if (shard != nullptr) {
          for (const auto& [key, value] : *shard) {
            f(key, value);
          }
        }
      }
    }
    [[nodiscard]] size_t size() const { return size_; }

   private:
    friend class CowMap;
    std::array<std::shared_ptr<const Shard>, kShards> shards_;
    size_t size_ = 0;
  };

  [[nodiscard]] std::shared_ptr<const View> Freeze() {
    if (frozen_ == nullptr) {
      auto view = std::make_shared<View>();
      for (size_t i = 0; i < kShards; ++i) {
        view->shards_[i] = slots_[i].shard;
        slots_[i].shared = true;
      }
      view->size_ = size_;
      frozen_ = std::move(view);
    }
    return frozen_;
  }
  [[nodiscard]] const V* Find(const Key& key) const {
    const auto& shard = slots_[ShardOf(key)].shard;
    if (shard == nullptr) {
      return nullptr;
    }
    const auto found = shard->find(key);
    return found == shard->end() ? nullptr : &found->second;
  }
  V& At(const Key& key) {  // made if absent
    Shard& shard = Mutable(key);
    const auto [entry, inserted] = shard.try_emplace(key);
    size_ += inserted ? 1 : 0;
    return entry->second;
  }
  void Erase(const Key& key) {
    if (Find(key) != nullptr) {
      size_ -= Mutable(key).erase(key);
    }
  }
  [[nodiscard]] size_t size() const { return size_; }

 private:
  struct Slot {
    std::shared_ptr<Shard> shard;
    bool shared = false;
  };
  static size_t ShardOf(const Key& key) {
    return (static_cast<uint64_t>(Hash()(key)) * 0x9E3779B97F4A7C15ULL) >> 56;
  }
  Shard& Mutable(const Key& key) {
    frozen_ = nullptr;
    Slot& slot = slots_[ShardOf(key)];
    if (slot.shard == nullptr || slot.shared) {
      slot.shard =
          slot.shard == nullptr ? std::make_shared<Shard>() : std::make_shared<Shard>(*slot.shard);
      slot.shared = false;
    }
    return *slot.shard;
  }
  std::array<Slot, kShards> slots_;
  size_t size_ = 0;
  std::shared_ptr<const View> frozen_;
};

}  // namespace bulkhead
