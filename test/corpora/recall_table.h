// What was found of the corpora, counted by corpus, shape and rule, and as the tables of
// docs/detectors.md.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "corpora/literals.h"

namespace bulkhead::corpora {

struct Tally {
  size_t tried = 0;
  size_t found = 0;
  void Add(bool is_found) {
    ++tried;
    found += is_found ? 1 : 0;
  }
  [[nodiscard]] double percent() const {
    return tried == 0 ? 100.0 : 100.0 * static_cast<double>(found) / static_cast<double>(tried);
  }
};

class RecallTable {
 public:
  void AddPositive(const Literal& literal, const std::string& shape, bool found);
  void AddNegative(const Literal& literal, bool touched);

  // Of one corpus, or of all where it is empty; what is outside never counts here.
  [[nodiscard]] Tally Of(const std::string& corpus, Group group) const;
  [[nodiscard]] Tally OverAll() const;
  [[nodiscard]] std::string Markdown() const;

 private:
  using Key = std::pair<std::string, Group>;
  void AppendGroups(std::string* out) const;
  void AppendShapes(std::string* out) const;
  void AppendMisses(std::string* out) const;
  void AppendNegatives(std::string* out) const;
  void AppendOutside(std::string* out) const;

  std::map<Key, Tally> by_corpus_;
  std::map<Key, std::map<std::string, Tally>> by_rule_;
  std::map<Key, std::set<std::string>> literals_;
  std::vector<std::string> shapes_;  // in the order tried
  std::map<std::pair<std::string, Group>, Tally> by_shape_;
  std::map<std::string, Tally> negatives_;
};

}  // namespace bulkhead::corpora
