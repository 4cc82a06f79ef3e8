#include "main/holdings_scan.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "sieve/name_rules.h"
#include "store/person_scan.h"

namespace bulkhead {
namespace {

constexpr size_t kPropertiesAtOnce = 16;  // so that few columns lie in memory together

ScanSpec SpecOf(const HeldScan& held, std::span<const std::string> properties) {
  ScanSpec spec;
  spec.filters = {EventFilter{}};
  spec.from_ms = held.from_ms;
  spec.to_ms = held.to_ms;
  spec.properties.assign(properties.begin(), properties.end());
  return spec;
}

void Scan(const ScanContext& scan, const auto& visitors) {
  std::vector<PersonVisitor*> pointers;
  for (const auto& visitor : visitors) pointers.push_back(visitor.get());
  ScanPersons(scan, pointers);
}

class PersonCollector final : public PersonVisitor {
 public:
  void Visit(const PersonHits& person) override {
    found.persons.push_back(person.person);
    found.events += person.hits.size();
  }
  HeldPersons found;
};

// The codes of one property in one source that may be placeholders: they begin alike, so they lie
// together.
struct CodeRange {
  uint32_t begin = 0, end = 0;
};
CodeRange PlaceholderCodes(const Dictionary& dictionary) {
  const auto first_from = [&](char c) {
    uint32_t low = dictionary.first_string();
    uint32_t high = dictionary.first_composite();
    while (low < high) {
      const uint32_t middle = low + (high - low) / 2;
      const std::string_view text = dictionary.String(middle);
      if (text < std::string_view(&c, 1)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  return {first_from('<'), first_from('=')};
}

class PropertyVisitor final : public PersonVisitor {
 public:
  PropertyVisitor(const ScanContext* scan, size_t first, size_t count, PropertyMarks* marks)
      : totals(count), scan_(scan), first_(first), marks_(marks) {
    for (size_t property = 0; property < count; ++property) {
      for (uint32_t source = 0; source < scan->sources(); ++source) {
        ranges_.push_back(PlaceholderCodes(scan->DictionaryOf(property, source)));
      }
    }
  }

  void Visit(const PersonHits& person) override {
    const auto persons = marks_->persons();
    const auto found = std::ranges::lower_bound(persons, person.person);
    const bool marked = found != persons.end() && *found == person.person;
    const auto place = static_cast<size_t>(found - persons.begin());
    for (const Hit& hit : person.hits) {
      for (size_t property = 0; property < totals.size(); ++property) {
        const uint32_t code = scan_->Code(property, hit);
        if (code == 0) continue;
        const size_t form = FormOf(property, hit.source, code);
        Count(hit.time_ms, &totals[property].of[form]);
        if (marked) marks_->Set(place, first_ + property, form);
      }
    }
  }

  std::vector<PropertyTotals> totals;

 private:
  [[nodiscard]] size_t FormOf(size_t property, uint32_t source, uint32_t code) const {
    const CodeRange& range = ranges_[property * scan_->sources() + source];
    if (code < range.begin || code >= range.end) return kHeldAsItIs;
    return IsAnyPlaceholder(scan_->DictionaryOf(property, source).String(code)) ? kHeldAsToken
                                                                                : kHeldAsItIs;
  }
  static void Count(int64_t time_ms, PropertyTotals::Of* of) {
    if (of->events++ == 0) of->first_ms = of->last_ms = time_ms;
    of->first_ms = std::min(of->first_ms, time_ms);
    of->last_ms = std::max(of->last_ms, time_ms);
  }

  const ScanContext* scan_;
  size_t first_;
  PropertyMarks* marks_;  // each person is one thread's
  std::vector<CodeRange> ranges_;
};

void Add(const PropertyTotals& part, PropertyTotals* all) {
  for (size_t form = 0; form < kHeldForms; ++form) {
    const PropertyTotals::Of& one = part.of[form];
    PropertyTotals::Of& sum = all->of[form];
    if (one.events == 0) continue;
    if (sum.events == 0) sum = {0, one.first_ms, one.last_ms};
    sum.events += one.events;
    sum.first_ms = std::min(sum.first_ms, one.first_ms);
    sum.last_ms = std::max(sum.last_ms, one.last_ms);
  }
}

}  // namespace

size_t HeldForm(const Value& value) {
  return value.is_string() && IsAnyPlaceholder(value.string()) ? kHeldAsToken : kHeldAsItIs;
}

Result<HeldPersons> FindHeldPersons(const HeldScan& held) {
  const Result<std::unique_ptr<ScanContext>> scan =
      ScanContext::Prepare(*held.snapshot, SpecOf(held, {}));
  if (!scan) {
    return scan.error();
  }
  std::vector<std::unique_ptr<PersonCollector>> visitors;
  for (int i = 0; i < held.threads; ++i) visitors.push_back(std::make_unique<PersonCollector>());
  Scan(**scan, visitors);
  HeldPersons all;
  for (const auto& visitor : visitors) {
    std::ranges::move(visitor->found.persons, std::back_inserter(all.persons));
    all.events += visitor->found.events;
  }
  std::ranges::sort(all.persons);
  return all;
}

Result<void> MarkProperties(const HeldScan& held, const std::vector<std::string>& properties,
                            PropertyMarks* marks, std::vector<PropertyTotals>* totals) {
  for (size_t first = 0; first < properties.size(); first += kPropertiesAtOnce) {
    const size_t count = std::min(kPropertiesAtOnce, properties.size() - first);
    const Result<std::unique_ptr<ScanContext>> scan =
        ScanContext::Prepare(*held.snapshot, SpecOf(held, {&properties[first], count}));
    if (!scan) {
      return scan.error();
    }
    std::vector<std::unique_ptr<PropertyVisitor>> visitors;
    for (int i = 0; i < held.threads; ++i) {
      visitors.push_back(std::make_unique<PropertyVisitor>(scan->get(), first, count, marks));
    }
    Scan(**scan, visitors);
    for (const auto& visitor : visitors) {
      for (size_t i = 0; i < count; ++i) Add(visitor->totals[i], &(*totals)[first + i]);
    }
  }
  return {};
}

}  // namespace bulkhead
