// A day's new file: what its old one held and what came since, without those who are erased.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "crypto/crypto.h"
#include "egress/ledger_day.h"
#include "egress/ledger_format.h"
#include "egress/ledger_unfolded.h"

namespace bulkhead {

struct DayMerge {
  int32_t day = 0;
  const DayFile* old;  // null: there is none yet
  const UnfoldedDay& added;
  std::span<const uint32_t> gone;  // ordinals, sorted; their sends become nobody's
  uint32_t ordinals = 0;           // that the old file may speak of
  FieldSetTable* table;            // that `added` speaks of
};

struct MergedDay {
  std::string bytes;
  SecretBytes key;
  uint64_t sends = 0;
  uint32_t subjects = 0;
};

Result<MergedDay> MergeDay(const DayMerge& merge);

}  // namespace bulkhead
