// What is usual of each property among the events that pass: whether one subject keeps its value,
// and whether others have the same. Learnt from counts; in memory alone. Inside egress/, for
// canaries. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "crypto/crypto.h"
#include "model/value.h"

namespace bulkhead {

class PropertyHabits {
 public:
  struct Habit {
    bool steady = true;   // a subject keeps its value far more often than chance has it
    bool unique = false;  // hardly two have the same
  };

  // `subject`: any number that tells subjects apart.
  void Learn(uint64_t subject, std::string_view property, const Value& value);
  // Whether enough was learnt that what Of says can be built on.
  [[nodiscard]] bool ready() const { return learnt_ >= kEnoughLearnt; }
  // Of a property that was seen too seldom: as Habit begins.
  [[nodiscard]] Habit Of(std::string_view property) const;

 private:
  static constexpr uint64_t kEnoughLearnt = 3000;
  struct Seen {
    uint64_t subject = 0;
    size_t value = 0;
  };
  struct Counts {
    uint32_t repeats = 0, kept = 0;     // a subject's value beside its last
    uint32_t strangers = 0, alike = 0;  // a subject's value beside another's
    uint32_t news = 0, known = 0;       // values that the subject did not have, that others had
    std::array<Seen, 64> recent{};
    size_t next = 0;
  };
  void Compare(uint64_t subject, size_t value, bool is_new, Counts* counts);

  uint64_t learnt_ = 0;
  std::map<std::string, Counts, std::less<>> properties_;
  std::unordered_map<uint64_t, size_t> last_;  // by subject and property
};

// Another value of the same form, always the same one for the same `text` under the key: other
// digits in a text, a number near it. Whatever has no digits stays.
Value Disguise(const Value& value, const KeyedHash& key, std::string_view text);

}  // namespace bulkhead
