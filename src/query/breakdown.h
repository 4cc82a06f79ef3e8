// Values of properties as small numbers that mean the same in every source of a scan, so that
// kernels group without hashing: built once per report from the dictionaries, then one array
// look-up per event.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "model/report.h"
#include "store/person_scan.h"

namespace bulkhead {

inline constexpr size_t kMaxBreakdownProperties = 4;

// The index of a property in a scan's list, added where it is not there yet.
size_t ScanProperty(ScanSpec* spec, const std::string& name);

// Ids of one property's values: 0 = not set (absent or null), then one per distinct value.
class ValueIds {
 public:
  // Event properties must be among the scan's. expand_lists: a list counts as each of its distinct
  // elements.
  static ValueIds Make(const ScanContext& context, const PropertyRef& property, bool expand_lists);

  [[nodiscard]] uint32_t size() const {
    return static_cast<uint32_t>(values_.size() + merged_.size());
  }
  [[nodiscard]] Value At(uint32_t id) const;  // At(0) is null; the scan must still be there
  [[nodiscard]] bool of_user() const { return of_user_; }

  // A raw id: below kListFlag an id, else a list of them.
  static constexpr uint32_t kListFlag = 1U << 31;
  [[nodiscard]] uint32_t OfRow(uint32_t source, uint32_t row) const {
    const Column& column = columns_[source];
    return column.ids[column.codes[row]];
  }
  // The same by code, for event properties.
  [[nodiscard]] const CodeView& CodesOf(uint32_t source) const { return columns_[source].codes; }
  [[nodiscard]] std::span<const uint32_t> IdsByCode(uint32_t source) const {
    return columns_[source].ids;
  }
  [[nodiscard]] uint32_t OfPerson(const ScanContext& context, const SubjectId& person) const;
  [[nodiscard]] std::span<const uint32_t> List(uint32_t raw) const {
    return lists_[raw & ~kListFlag];
  }

 private:
  struct Column {
    CodeView codes;
    std::vector<uint32_t> ids;  // by code
    const Dictionary* dictionary = nullptr;
  };
  struct Place {  // where a value stands
    uint32_t source;
    uint32_t code;
  };
  void ReadProfiles(const ScanContext& context);
  void InternAll();
  void InternOthers();
  template <typename Less>
  void MergeCodes(uint32_t (Dictionary::*first)() const, uint32_t (Dictionary::*end)() const,
                  const Less& less);
  uint32_t Intern(const Value& value);
  uint32_t Add(const std::optional<Value>& value, bool expand_lists);

  bool of_user_ = false;
  PropertyRef property_;
  bool expand_lists_ = false;
  std::vector<Column> columns_;  // by source
  std::vector<Value> values_{Value()};
  std::vector<Place> merged_;  // of ids from values_.size() on
  std::vector<std::vector<uint32_t>> lists_;
  std::unordered_map<std::string, uint32_t>
      index_;  // JSON text -> id; strings only reach it from one dictionary each
  std::unordered_map<std::string, uint32_t> person_lists_;
};

// The combinations of several properties' values. Without properties there is one combination, 0.
class Breakdown {
 public:
  // kInvalid where the combinations are too many to count.
  static Result<Breakdown> Make(const ScanContext& context, std::span<const PropertyRef> properties,
                                bool expand_lists);

  [[nodiscard]] uint32_t size() const { return size_; }
  [[nodiscard]] std::vector<Value> At(uint32_t id) const;
  [[nodiscard]] bool empty() const { return ids_.empty(); }
  [[nodiscard]] const std::vector<ValueIds>& properties() const { return ids_; }

  // Ids of the user properties of one person, to be handed to ForEach.
  using PersonIds = std::array<uint32_t, kMaxBreakdownProperties>;
  [[nodiscard]] PersonIds OfPerson(const ScanContext& context, const SubjectId& person) const {
    PersonIds ids{};
    for (size_t p = 0; p < ids_.size(); ++p) {
      ids[p] = ids_[p].of_user() ? ids_[p].OfPerson(context, person) : 0;
    }
    return ids;
  }
  [[nodiscard]] bool ReadsUsers() const;

  // Calls f(combination) for every combination the event counts in: several where a list is
  // expanded.
  template <typename F>
  void ForEach(const PersonIds& person, uint32_t source, uint32_t row, const F& f) const {
    if (ids_.empty()) {
      f(0U);
      return;
    }
    if (ids_.size() == 1) {  // the commonest: no recursion
      const uint32_t raw = ids_[0].of_user() ? person[0] : ids_[0].OfRow(source, row);
      if (raw < ValueIds::kListFlag) {
        f(raw);
        return;
      }
    }
    Walk(0, 0, person, {source, row}, f);
  }

 private:
  struct Place {
    uint32_t source;
    uint32_t row;
  };
  template <typename F>
  void Walk(size_t property, uint32_t prefix, const PersonIds& person, Place place,
            const F& f) const {
    if (property == ids_.size()) {
      f(prefix);
      return;
    }
    const ValueIds& ids = ids_[property];
    const uint32_t raw = ids.of_user() ? person[property] : ids.OfRow(place.source, place.row);
    if (raw < ValueIds::kListFlag) {
      Walk(property + 1, prefix * ids.size() + raw, person, place, f);
      return;
    }
    for (const uint32_t id : ids.List(raw)) {
      Walk(property + 1, prefix * ids.size() + id, person, place, f);
    }
  }

  std::vector<ValueIds> ids_;
  uint32_t size_ = 1;
};

// Numbers of one property: NaN where a value is not a number.
class NumberColumn {
 public:
  static NumberColumn Make(const ScanContext& context, const PropertyRef& property);
  [[nodiscard]] bool of_user() const { return property_.of_user; }
  [[nodiscard]] double OfRow(uint32_t source, uint32_t row) const {
    const Column& column = columns_[source];
    return column.numbers[column.codes[row]];
  }
  [[nodiscard]] double OfPerson(const ScanContext& context, const SubjectId& person) const;

 private:
  struct Column {
    CodeView codes;
    std::vector<double> numbers;  // by code
  };
  PropertyRef property_;
  std::vector<Column> columns_;
};

}  // namespace bulkhead
