// Which counts of a table are not shown so that none of a few people can be worked out: the small
// ones, and further ones where the sums or differences that a reader knows would give a small one
// away (complementary cell suppression; Willenborg and de Waal, Elements of Statistical Disclosure
// Control, 2001, chapter 6). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bulkhead {

class Suppression {
 public:
  // Counts from 1 to `threshold` - 1 are small.
  explicit Suppression(uint64_t threshold) : threshold_(threshold) {}

  // A count of people; its number.
  size_t AddCell(uint64_t people);
  // Cells whose sum the reader is taken to know, from this table or from elsewhere. Where one of
  // them is the sum itself, `total` is its number.
  static constexpr size_t kNoCell = SIZE_MAX;
  void AddSum(std::vector<size_t> cells, size_t total = kNoCell);
  // Each of these counts people of the one before: the difference of two that are shown counts
  // people, too.
  void AddChain(std::vector<size_t> cells) { chains_.push_back(std::move(cells)); }

  void Solve();
  [[nodiscard]] bool IsHidden(size_t cell) const { return hidden_[cell]; }
  // It would be small alone, or is not shown for the sake of others.
  [[nodiscard]] bool IsSmall(size_t cell) const { return IsSmallCount(people_[cell]); }

 private:
  struct Sum {
    std::vector<size_t> cells;
    size_t total;
  };
  [[nodiscard]] bool IsSmallCount(uint64_t people) const {
    return people > 0 && people < threshold_;
  }
  bool Protect(const Sum& sum);
  bool Protect(const std::vector<size_t>& chain);
  // The smallest of those that are shown, rather one of somebody than of nobody; kNoCell: none.
  [[nodiscard]] size_t NextToHide(const Sum& sum) const;

  uint64_t threshold_;
  std::vector<uint64_t> people_;
  std::vector<bool> hidden_;
  std::vector<Sum> sums_;
  std::vector<std::vector<size_t>> chains_;
};

}  // namespace bulkhead
