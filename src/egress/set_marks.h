// For each of some sets of fields, which of some subjects had it sent: a bit each. Subjects are
// numbered from 0 by whoever uses it.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace bulkhead {

class SetMarks {
 public:
  SetMarks(uint32_t sets, uint32_t subjects)
      : words_((size_t{subjects} + 63) / 64), bits_(sets * words_), touched_(sets) {}

  void Mark(uint32_t set, uint32_t subject) {
    bits_[set * words_ + subject / 64] |= uint64_t{1} << (subject % 64);
    touched_[set] = 1;
  }
  void Clear();

  // Sets that anybody has.
  [[nodiscard]] std::vector<uint32_t> Touched() const;
  // Subjects that have any of these sets.
  [[nodiscard]] uint64_t CountAny(std::span<const uint32_t> sets) const;

  // How many groups of 64 subjects there are, and which of a group have this set: the bit 0 is the
  // first one.
  [[nodiscard]] size_t words() const { return words_; }
  [[nodiscard]] uint64_t Word(uint32_t set, size_t word) const {
    return bits_[set * words_ + word];
  }

 private:
  size_t words_;
  std::vector<uint64_t> bits_;
  std::vector<uint8_t> touched_;
};

}  // namespace bulkhead
