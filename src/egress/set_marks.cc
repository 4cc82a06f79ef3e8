#include "egress/set_marks.h"

#include <algorithm>

namespace bulkhead {

void SetMarks::Clear() {
  for (const uint32_t set : Touched()) {
    std::fill_n(bits_.begin() + static_cast<std::ptrdiff_t>(set * words_), words_, uint64_t{0});
    touched_[set] = 0;
  }
}

std::vector<uint32_t> SetMarks::Touched() const {
  std::vector<uint32_t> sets;
  for (uint32_t set = 0; set < touched_.size(); ++set) {
    if (touched_[set] != 0) sets.push_back(set);
  }
  return sets;
}

uint64_t SetMarks::CountAny(std::span<const uint32_t> sets) const {
  std::vector<uint32_t> marked;
  for (const uint32_t set : sets) {
    if (touched_[set] != 0) marked.push_back(set);
  }
  uint64_t count = 0;
  for (size_t word = 0; word < words_ && !marked.empty(); ++word) {
    uint64_t any = 0;
    for (const uint32_t set : marked) any |= Word(set, word);
    count += static_cast<uint64_t>(std::popcount(any));
  }
  return count;
}

}  // namespace bulkhead
