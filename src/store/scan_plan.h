// A ScanSpec compiled against the sources of a snapshot: columns decoded, event names turned into
// masks by code, conditions on one property into tables by code. Immutable after Prepare.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "store/person_scan.h"
#include "store/snapshot_state.h"

namespace bulkhead {

// One part of a filter's `where` that depends on a single property.
struct CodeCondition {
  size_t filter = 0;
  CodeView codes;
  std::vector<uint8_t> passes;  // by code, 0 = absent included
};

// A property that expressions read row by row.
struct LookupColumn {
  std::string name;
  CodeView codes;
  const Dictionary* dictionary = nullptr;
};

struct SourcePlan {
  SourceState state;
  Segment::PersonTable persons;
  CodeView events;
  const Dictionary* names = nullptr;
  TimeView times;
  CodeView ranks;

  std::vector<uint64_t> event_masks;  // by event code: filters for it that may still pass here
  std::vector<uint32_t> wanted;       // event codes with a mask
  bool every_row = false;             // all event codes have one
  bool check_times = false;
  uint64_t conditional = 0;  // filters with code conditions
  std::vector<CodeCondition> conditions;
  std::vector<LookupColumn> lookups;  // for what is left of the `where`s

  // What the pointers above point into.
  std::vector<std::shared_ptr<const void>> owned;
};

struct ScanContext::Impl {
  explicit Impl(Snapshot snap) : snapshot(std::move(snap)) {}
  Snapshot snapshot;
  ScanSpec spec;
  std::vector<SourcePlan> sources;
  // The parts of each filter's `where` that need a row, a person or an event field at hand.
  std::vector<std::vector<const Expression*>> residual;
  uint64_t residual_mask = 0;
};

}  // namespace bulkhead
