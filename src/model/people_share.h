// Which people a vendor gets. They are chosen by their pseudonyms, which no vendor knows, so that
// only the policy decides who goes where, and one vendor keeps the same people for good.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"

namespace bulkhead {

class PeopleShare {
 public:
  // The default: divided with all other vendors of the project that say nothing else
  // (model/people_division.h makes it so). On its own it has everybody.
  PeopleShare() = default;
  static PeopleShare All() { return PeopleShare(Kind::kAll); }
  // Part `part` of `of` equal ones, from 1.
  static PeopleShare Part(uint32_t part, uint32_t of);
  // That of `own` beside `others`, by their names. A further one takes an equal part from each and
  // moves nobody else; the people of one that goes fall to the others.
  static PeopleShare Divided(std::string_view own, const std::vector<std::string>& others);

  [[nodiscard]] bool IsDivided() const { return kind_ == Kind::kDivided; }
  // Nobody is in every share.
  [[nodiscard]] bool Has(const SubjectId& subject) const;
  // Whether some pseudonyms are in both.
  [[nodiscard]] bool Overlaps(const PeopleShare& other) const;
  // About one in so many people are in it.
  [[nodiscard]] uint32_t parts() const;
  // As the policy file has it: "all", "1/2"; empty: nothing, it is divided.
  [[nodiscard]] std::string Text() const;

  friend bool operator==(const PeopleShare&, const PeopleShare&) = default;

 private:
  enum class Kind : unsigned char { kDivided = 1, kAll, kPart };
  explicit PeopleShare(Kind kind) : kind_(kind) {}
  [[nodiscard]] bool Knows(const PeopleShare& other) const;

  Kind kind_ = Kind::kDivided;
  uint32_t part_ = 1, of_ = 1;    // of kPart
  uint64_t own_ = 0;              // of kDivided, as are the others': what a name became
  std::vector<uint64_t> others_;  // sorted
};

}  // namespace bulkhead
