#include <algorithm>

#include "store/row_test.h"

namespace bulkhead {

SubjectId PersonIn(const SourcePlan& source, uint32_t row) {
  const auto& starts = source.persons.starts;
  const auto after = std::upper_bound(starts.begin(), starts.end(), row);
  return source.persons.ids[static_cast<size_t>(after - starts.begin()) - 1];
}

void RowTest::SetPerson(const SubjectId& person) {
  person_ = person;
  profile_ = context_.snapshot.Profile(person);
}

uint64_t RowTest::Pass(uint32_t source, uint32_t row, uint64_t mask) {
  source_ = source;
  row_ = row;
  for (uint64_t open = mask & context_.residual_mask; open != 0; open &= open - 1) {
    const auto filter = static_cast<size_t>(__builtin_ctzll(open));
    for (const Expression* part : context_.residual[filter]) {
      if (!Holds(*part, *this)) {
        mask &= ~(1ULL << filter);
        break;
      }
    }
  }
  return mask;
}

const Value* RowTest::EventProperty(std::string_view name) {
  const std::vector<LookupColumn>& columns = context_.sources[source_].lookups;
  memos_.resize(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name != name) {
      continue;
    }
    const uint32_t code = columns[i].codes[row_];
    if (code == 0) {
      return nullptr;
    }
    Memo& memo = memos_[i];
    if (memo.dictionary != columns[i].dictionary || memo.code != code) {
      memo = {columns[i].dictionary, code, columns[i].dictionary->At(code)};
    }
    return &memo.value;
  }
  return nullptr;
}

const Value* RowTest::UserProperty(std::string_view name) {
  return profile_ == nullptr ? nullptr : Find(*profile_, name);
}

const Value* RowTest::EventField(std::string_view name) {
  const SourcePlan& source = context_.sources[source_];
  if (name == "$time") {
    field_ = Value(static_cast<double>(source.times[row_]) / 1000.0);
  } else if (name == "$name") {
    field_ = Value(source.names->String(source.events[row_]));
  } else if (name == "$distinct_id") {
    field_ = Value(person_.ToHex());
  } else {
    return nullptr;
  }
  return &field_;
}

}  // namespace bulkhead
