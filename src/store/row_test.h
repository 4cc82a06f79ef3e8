// What is left of the filters' wheres when tables by code have decided what they can: evaluated per
// row, with the person at hand. One per thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/expression.h"
#include "store/scan_plan.h"

namespace bulkhead {

// The id under which a row lies in its segment.
SubjectId PersonIn(const SourcePlan& source, uint32_t row);

class RowTest final : public PropertyLookup {
 public:
  explicit RowTest(const ScanContext::Impl& context) : context_(context) {}

  // `person` is canonical.
  void SetPerson(const SubjectId& person);
  // The mask without the filters that do not hold for the row.
  uint64_t Pass(uint32_t source, uint32_t row, uint64_t mask);

  const Value* EventProperty(std::string_view name) override;
  const Value* UserProperty(std::string_view name) override;
  const Value* EventField(std::string_view name) override;

 private:
  struct Memo {  // the last value read of each lookup column
    const Dictionary* dictionary = nullptr;
    uint32_t code = 0;
    Value value;
  };
  const ScanContext::Impl& context_;
  SubjectId person_;
  const ValueObject* profile_ = nullptr;
  uint32_t source_ = 0;
  uint32_t row_ = 0;
  std::vector<Memo> memos_;
  Value field_;
};

}  // namespace bulkhead
