// Where an incident's numbers are from: whose data was exposed, and which fields of each. A
// vendor's are in the ledger; of other parties they are gathered in a table
// (incident/subject_table.h).
#pragma once

#include <utility>

#include "base/result.h"
#include "egress/ledger.h"

namespace bulkhead {

class ExposureSource {
 public:
  virtual ~ExposureSource() = default;
  // As of Ledger.
  [[nodiscard]] virtual Result<Exposure> Ask() const = 0;
  [[nodiscard]] virtual Result<void> ForEachSubject(const Ledger::EachSubject& each) const = 0;
};

class LedgerSource final : public ExposureSource {
 public:
  LedgerSource(const Ledger* ledger, LedgerWindow window)
      : ledger_(ledger), window_(std::move(window)) {}
  [[nodiscard]] Result<Exposure> Ask() const override { return ledger_->Ask(window_); }
  [[nodiscard]] Result<void> ForEachSubject(const Ledger::EachSubject& each) const override {
    return ledger_->ForEachSubject(window_, each);
  }

 private:
  const Ledger* ledger_;
  const LedgerWindow window_;
};

}  // namespace bulkhead
