// A segment together with what has happened to its rows since it was made.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/ids.h"
#include "store/segment.h"

namespace bulkhead {

// Rows that were replaced or erased and that the next merge drops.
class DeadRows {
 public:
  explicit DeadRows(uint32_t rows) : bits_((static_cast<size_t>(rows) + 63) / 64) {}
  [[nodiscard]] bool Has(uint32_t row) const { return ((bits_[row / 64] >> (row % 64)) & 1U) != 0; }
  void Add(uint32_t row) {
    count_ += Has(row) ? 0 : 1;
    bits_[row / 64] |= 1ULL << (row % 64);
  }
  [[nodiscard]] uint32_t count() const { return count_; }
  [[nodiscard]] std::span<const uint64_t> words() const { return bits_; }

 private:
  std::vector<uint64_t> bits_;
  uint32_t count_ = 0;
};

// Runs of devices that are linked to a user and that still lie at the device's place.
struct MovedRun {
  SubjectId user;
  uint32_t person = 0;  // the device's ordinal in the segment's person table
};
class Relocations {
 public:
  explicit Relocations(std::vector<MovedRun> runs) : by_user_(std::move(runs)) {
    std::sort(by_user_.begin(), by_user_.end(), [](const MovedRun& a, const MovedRun& b) {
      return a.user != b.user ? a.user < b.user : a.person < b.person;
    });
    for (const MovedRun& run : by_user_) {
      persons_.push_back(run.person);
    }
    std::sort(persons_.begin(), persons_.end());
  }
  [[nodiscard]] std::span<const MovedRun> by_user() const { return by_user_; }
  [[nodiscard]] std::span<const uint32_t> persons() const { return persons_; }  // ascending

  [[nodiscard]] std::span<const MovedRun> OfUser(const SubjectId& user) const {
    const auto [begin, end] =
        std::equal_range(by_user_.begin(), by_user_.end(), MovedRun{user, 0},
                         [](const MovedRun& a, const MovedRun& b) { return a.user < b.user; });
    return {begin, end};
  }

 private:
  std::vector<MovedRun> by_user_;
  std::vector<uint32_t> persons_;
};

struct SourceState {
  std::shared_ptr<const Segment> segment;
  std::shared_ptr<const DeadRows> dead;      // null = none
  std::shared_ptr<const Relocations> moved;  // null = none

  [[nodiscard]] uint32_t live_rows() const {
    return segment->info().rows - (dead ? dead->count() : 0);
  }
};

}  // namespace bulkhead
