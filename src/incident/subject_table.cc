#include "incident/subject_table.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace bulkhead {

uint32_t SubjectTable::SetOf(SentFields fields) {
  const auto [found, added] =
      numbers_.try_emplace(std::move(fields), static_cast<uint32_t>(sets_.size()));
  if (added) sets_.push_back(&found->first);
  return found->second;
}

Result<void> SubjectTable::Add(std::span<const SubjectId> subjects, uint32_t set) {
  if (subjects.size() > kMaxSubjectTableRows - rows_.size()) {
    return Error{ErrorCode::kLimit, "more subjects than can be counted at once: ask for less time"};
  }
  for (const SubjectId& subject : subjects) {
    if (!subject.IsNobody()) rows_.push_back({subject, set});
  }
  return {};
}

void SubjectTable::AddReads(const SentField& field, uint64_t reads, int32_t first_day,
                            int32_t last_day) {
  const auto [found, added] =
      totals_.try_emplace(field, ExposedField{field, 0, 0, first_day, last_day});
  ExposedField& total = found->second;
  total.sends += reads;
  total.first_day = std::min(total.first_day, first_day);
  total.last_day = std::max(total.last_day, last_day);
}

uint32_t SubjectTable::Union(uint32_t left, uint32_t right) {
  if (left == right) return left;
  const auto [found, added] = unions_.try_emplace(std::minmax(left, right), 0);
  if (added) {
    SentFields both;
    std::ranges::set_union(*sets_[left], *sets_[right], std::back_inserter(both));
    found->second = SetOf(std::move(both));
  }
  return found->second;
}

void SubjectTable::Close() {
  std::ranges::sort(rows_, {}, &Row::subject);
  size_t kept = 0;
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (kept > 0 && rows_[kept - 1].subject == rows_[i].subject) {
      rows_[kept - 1].set = Union(rows_[kept - 1].set, rows_[i].set);
    } else {
      rows_[kept++] = rows_[i];
    }
  }
  rows_.resize(kept);
}

Result<Exposure> SubjectTable::Ask() const {
  Exposure exposure;
  exposure.subjects = rows_.size();
  exposure.sends = reads_;
  std::vector<uint64_t> subjects_of(sets_.size());
  for (const Row& row : rows_) ++subjects_of[row.set];
  std::map<SentField, ExposedField> fields = totals_;
  for (size_t set = 0; set < sets_.size(); ++set) {
    for (const SentField& field : *sets_[set]) {
      if (const auto total = fields.find(field); total != fields.end()) {
        total->second.subjects += subjects_of[set];
      }
    }
  }
  for (auto& [field, total] : fields) exposure.fields.push_back(std::move(total));
  return exposure;
}

Result<void> SubjectTable::ForEachSubject(const Ledger::EachSubject& each) const {
  for (const Row& row : rows_) {
    if (!each(row.subject, *sets_[row.set])) break;
  }
  return {};
}

}  // namespace bulkhead
