// Whose data somebody could read, as it is gathered from several places: each subject once, with
// all the fields that any of them told of it. In memory, some 20 bytes for each time that a subject
// is added; not thread-safe while it is filled.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "incident/exposure_source.h"

namespace bulkhead {

inline constexpr size_t kMaxSubjectTableRows = 32'000'000;

class SubjectTable final : public ExposureSource {
 public:
  // The number of a set of fields, sorted, each once.
  uint32_t SetOf(SentFields fields);
  // kLimit: more than kMaxSubjectTableRows in all.
  Result<void> Add(std::span<const SubjectId> subjects, uint32_t set);
  // What is summed beside subjects: so many reads or records that had the field; and in all.
  void AddReads(const SentField& field, uint64_t reads, int32_t first_day, int32_t last_day);
  void AddReads(uint64_t reads) { reads_ += reads; }
  // Subjects in order, each once. Before anything is asked.
  void Close();

  [[nodiscard]] Result<Exposure> Ask() const override;
  [[nodiscard]] Result<void> ForEachSubject(const Ledger::EachSubject& each) const override;

 private:
  struct Row {
    SubjectId subject;
    uint32_t set = 0;
  };
  uint32_t Union(uint32_t left, uint32_t right);

  std::vector<Row> rows_;
  std::map<SentFields, uint32_t> numbers_;
  std::vector<const SentFields*> sets_;  // into numbers_
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> unions_;
  std::map<SentField, ExposedField> totals_;
  uint64_t reads_ = 0;
};

}  // namespace bulkhead
