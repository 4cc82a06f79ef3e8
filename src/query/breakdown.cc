#include "query/breakdown.h"

#include <algorithm>

#include "base/check.h"

namespace bulkhead {
namespace {

constexpr uint64_t kMaxCombinations = 4'000'000;

// The one property of an expression that is evaluated per dictionary entry.
class OneValue final : public PropertyLookup {
 public:
  OneValue(const PropertyRef& property, const Value* value) : property_(property), value_(value) {}
  const Value* EventProperty(std::string_view name) override {
    return !property_.of_user && name == property_.name ? value_ : nullptr;
  }
  const Value* UserProperty(std::string_view name) override {
    return property_.of_user && name == property_.name ? value_ : nullptr;
  }

 private:
  const PropertyRef& property_;
  const Value* value_;
};

std::optional<Value> Resolve(const PropertyRef& property, const Value* value) {
  if (property.through != nullptr) {
    OneValue lookup(property, value);
    return Evaluate(*property.through, lookup);
  }
  return value == nullptr ? std::nullopt : std::optional<Value>(*value);
}

std::optional<Value> ResolveProfile(const PropertyRef& property, const ValueObject* profile) {
  return Resolve(property, profile == nullptr ? nullptr : Find(*profile, property.name));
}

size_t IndexIn(const ScanContext& context, const std::string& name) {
  const std::vector<std::string>& names = context.spec().properties;
  const auto it = std::find(names.begin(), names.end(), name);
  Check(it != names.end(), "a report reads a property that its scan does not");
  return static_cast<size_t>(it - names.begin());
}

}  // namespace

size_t ScanProperty(ScanSpec* spec, const std::string& name) {
  const auto it = std::find(spec->properties.begin(), spec->properties.end(), name);
  if (it != spec->properties.end()) {
    return static_cast<size_t>(it - spec->properties.begin());
  }
  spec->properties.push_back(name);
  return spec->properties.size() - 1;
}

uint32_t ValueIds::Intern(const Value& value) {
  if (value.is_null()) {
    return 0;
  }
  const auto [it, fresh] = index_.try_emplace(ToJson(value), static_cast<uint32_t>(values_.size()));
  if (fresh) {
    values_.push_back(value);
  }
  return it->second;
}

uint32_t ValueIds::Add(const std::optional<Value>& value, bool expand_lists) {
  if (!value) {
    return 0;
  }
  if (!expand_lists || !value->is_list()) {
    return Intern(*value);
  }
  std::vector<uint32_t> ids;
  for (const Value& element : value->list()) {
    ids.push_back(Intern(element));
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  if (ids.size() < 2) {
    return ids.empty() ? 0 : ids.front();
  }
  lists_.push_back(std::move(ids));
  return static_cast<uint32_t>(lists_.size() - 1) | kListFlag;
}

ValueIds ValueIds::Make(const ScanContext& context, const PropertyRef& property,
                        bool expand_lists) {
  ValueIds ids;
  ids.of_user_ = property.of_user;
  ids.property_ = property;
  ids.expand_lists_ = expand_lists;
  if (property.of_user) {
    ids.ReadProfiles(context);
    return ids;
  }
  const size_t index = IndexIn(context, property.name);
  bool intern_all = property.through != nullptr;
  for (uint32_t source = 0; source < context.sources(); ++source) {
    const Dictionary& dictionary = context.DictionaryOf(index, source);
    ids.columns_.push_back(
        {context.Codes(index, source), std::vector<uint32_t>(dictionary.size() + 1), &dictionary});
    // An element of a list may be a value of its own, too.
    intern_all = intern_all || (expand_lists && dictionary.first_composite() <= dictionary.size());
  }
  if (intern_all) {
    ids.InternAll();
    return ids;
  }
  ids.InternOthers();
  ids.MergeCodes(&Dictionary::first_number, &Dictionary::first_string,
                 [](const Place& a, const Dictionary& in_a, const Place& b,
                    const Dictionary& in_b) { return in_a.Number(a.code) < in_b.Number(b.code); });
  ids.MergeCodes(&Dictionary::first_string, &Dictionary::first_composite,
                 [](const Place& a, const Dictionary& in_a, const Place& b,
                    const Dictionary& in_b) { return in_a.String(a.code) < in_b.String(b.code); });
  return ids;
}

void ValueIds::ReadProfiles(const ScanContext& context) {
  const auto add = [&](const SubjectId&, const ValueObject& profile) {
    const std::optional<Value> value = ResolveProfile(property_, &profile);
    if (value && expand_lists_ && value->is_list()) {
      const auto [it, fresh] = person_lists_.try_emplace(ToJson(*value), 0);
      if (fresh) {
        it->second = Add(value, true);
      }
      return;
    }
    Add(value, false);
  };
  context.snapshot().ForEachProfile(add);
  Add(ResolveProfile(property_, nullptr), false);
}

void ValueIds::InternAll() {
  for (Column& column : columns_) {
    column.ids[0] = Add(Resolve(property_, nullptr), expand_lists_);
    for (uint32_t code = 1; code < column.ids.size(); ++code) {
      const Value value = column.dictionary->At(code);
      column.ids[code] = Add(Resolve(property_, &value), expand_lists_);
    }
  }
}

// All but numbers and strings, of which there may be many.
void ValueIds::InternOthers() {
  for (Column& column : columns_) {
    const Dictionary& dictionary = *column.dictionary;
    for (uint32_t code = 1; code < dictionary.first_number(); ++code) {
      column.ids[code] = Intern(dictionary.At(code));
    }
    for (uint32_t code = dictionary.first_composite(); code <= dictionary.size(); ++code) {
      column.ids[code] = Intern(dictionary.At(code));
    }
  }
}

// Codes are in the order of their values, so that equal ones of all sources meet without hashing.
template <typename Less>
void ValueIds::MergeCodes(uint32_t (Dictionary::*first)() const,
                          uint32_t (Dictionary::*end)() const, const Less& less) {
  std::vector<Place> heads;
  for (uint32_t source = 0; source < columns_.size(); ++source) {
    const Dictionary& dictionary = *columns_[source].dictionary;
    if ((dictionary.*first)() < (dictionary.*end)())
      heads.push_back({source, (dictionary.*first)()});
  }
  const auto dictionary_of = [this](const Place& place) -> const Dictionary& {
    return *columns_[place.source].dictionary;
  };
  const auto is_less = [&](const Place& a, const Place& b) {
    return less(a, dictionary_of(a), b, dictionary_of(b));
  };
  while (!heads.empty()) {
    const Place least = *std::min_element(heads.begin(), heads.end(), is_less);
    const uint32_t id = size();
    merged_.push_back(least);
    for (size_t i = 0; i < heads.size();) {
      Place& head = heads[i];
      if (is_less(least, head)) {
        ++i;
        continue;
      }
      columns_[head.source].ids[head.code] = id;
      if (++head.code < (dictionary_of(head).*end)()) {
        ++i;
      } else {
        heads.erase(heads.begin() + static_cast<ptrdiff_t>(i));
      }
    }
  }
}

Value ValueIds::At(uint32_t id) const {
  if (id < values_.size()) {
    return values_[id];
  }
  const Place& place = merged_[id - values_.size()];
  return columns_[place.source].dictionary->At(place.code);
}

uint32_t ValueIds::OfPerson(const ScanContext& context, const SubjectId& person) const {
  const std::optional<Value> value = ResolveProfile(property_, context.Profile(person));
  if (!value || value->is_null()) {
    return 0;
  }
  const bool list = expand_lists_ && value->is_list();
  const auto& index = list ? person_lists_ : index_;
  const auto it = index.find(ToJson(*value));
  Check(it != index.end(), "a profile changed under its snapshot");
  return it->second;
}

Result<Breakdown> Breakdown::Make(const ScanContext& context,
                                  std::span<const PropertyRef> properties, bool expand_lists) {
  if (properties.size() > kMaxBreakdownProperties) {
    return Error{ErrorCode::kInvalid, "breakdown: at most four properties"};
  }
  Breakdown breakdown;
  uint64_t size = 1;
  for (const PropertyRef& property : properties) {
    breakdown.ids_.push_back(ValueIds::Make(context, property, expand_lists));
    size *= breakdown.ids_.back().size();
    if (size > kMaxCombinations) {
      return Error{ErrorCode::kInvalid, "breakdown: more than 4 million combinations of values"};
    }
  }
  breakdown.size_ = static_cast<uint32_t>(size);
  return breakdown;
}

std::vector<Value> Breakdown::At(uint32_t id) const {
  std::vector<Value> values(ids_.size());
  for (size_t p = ids_.size(); p-- > 0;) {
    values[p] = ids_[p].At(id % ids_[p].size());
    id /= ids_[p].size();
  }
  return values;
}

bool Breakdown::ReadsUsers() const {
  return std::any_of(ids_.begin(), ids_.end(), [](const ValueIds& ids) { return ids.of_user(); });
}

NumberColumn NumberColumn::Make(const ScanContext& context, const PropertyRef& property) {
  NumberColumn numbers;
  numbers.property_ = property;
  if (property.of_user) {
    return numbers;
  }
  const auto number_of = [&](const Value* value) {
    const std::optional<Value> resolved = Resolve(property, value);
    return resolved && resolved->is_number() ? resolved->number() : kNoValue;
  };
  const size_t index = IndexIn(context, property.name);
  const uint32_t sources = static_cast<uint32_t>(context.sources());
  numbers.columns_.resize(sources);
  for (uint32_t source = 0; source < sources; ++source) {
    const Dictionary& dictionary = context.DictionaryOf(index, source);
    Column& column = numbers.columns_[source];
    column.codes = context.Codes(index, source);
    column.numbers.assign(dictionary.size() + 1, kNoValue);
    column.numbers[0] = number_of(nullptr);
    if (property.through == nullptr) {
      for (uint32_t code = dictionary.first_number(); code < dictionary.first_string(); ++code) {
        column.numbers[code] = dictionary.Number(code);
      }
      continue;
    }
    for (uint32_t code = 1; code <= dictionary.size(); ++code) {
      const Value value = dictionary.At(code);
      column.numbers[code] = number_of(&value);
    }
  }
  return numbers;
}

double NumberColumn::OfPerson(const ScanContext& context, const SubjectId& person) const {
  const std::optional<Value> value = ResolveProfile(property_, context.Profile(person));
  return value && value->is_number() ? value->number() : kNoValue;
}

}  // namespace bulkhead
