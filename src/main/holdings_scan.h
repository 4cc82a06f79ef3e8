// Who has events in a span, and which properties those have: what main/holdings.h is made of.
// Inside main/.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/ids.h"
#include "model/value.h"
#include "store/snapshot.h"

namespace bulkhead {

// What is looked through.
struct HeldScan {
  const Snapshot* snapshot = nullptr;
  int64_t from_ms = 0, to_ms = 0;  // from <= time < to
  int threads = 1;
};

struct HeldPersons {
  std::vector<SubjectId> persons;  // in order
  uint64_t events = 0;
};
Result<HeldPersons> FindHeldPersons(const HeldScan& held);

// A value as it is, or a placeholder that stands for one.
inline constexpr size_t kHeldAsItIs = 0;
inline constexpr size_t kHeldAsToken = 1;
inline constexpr size_t kHeldForms = 2;
size_t HeldForm(const Value& value);

struct PropertyTotals {
  struct Of {
    uint64_t events = 0;
    int64_t first_ms = 0, last_ms = 0;
  };
  std::array<Of, kHeldForms> of;
};

// Which properties each of some persons has, in which form: a bit each.
class PropertyMarks {
 public:
  explicit PropertyMarks(size_t properties) : words_((properties * kHeldForms + 63) / 64 + 1) {}
  [[nodiscard]] size_t BytesOfOne() const { return words_ * sizeof(uint64_t); }
  void Begin(std::span<const SubjectId> persons) {
    persons_ = persons;
    bits_.assign(persons.size() * words_, 0);
  }
  [[nodiscard]] std::span<const SubjectId> persons() const { return persons_; }
  void Set(size_t person, size_t property, size_t form) {
    const size_t bit = property * kHeldForms + form;
    bits_[person * words_ + bit / 64] |= uint64_t{1} << (bit % 64);
  }
  [[nodiscard]] bool Has(size_t person, size_t property, size_t form) const {
    const size_t bit = property * kHeldForms + form;
    return (bits_[person * words_ + bit / 64] >> (bit % 64) & 1U) != 0;
  }

 private:
  size_t words_;
  std::span<const SubjectId> persons_;
  std::vector<uint64_t> bits_;
};

// Sums over everybody with an event in the span; marks those of `marks`. `totals` has a place for
// each property.
Result<void> MarkProperties(const HeldScan& held, const std::vector<std::string>& properties,
                            PropertyMarks* marks, std::vector<PropertyTotals>* totals);

}  // namespace bulkhead
