// Ranges of person ids, in which scans are dealt out to threads.
#pragma once

#include <cstddef>
#include <span>

#include "model/ids.h"
#include "store/source_state.h"

namespace bulkhead {

// first <= id < last; no last = to the end.
struct PersonRange {
  SubjectId first;
  SubjectId last;
  bool to_end = true;

  // The i-th of n equal parts of the id space.
  static PersonRange Part(size_t i, size_t n);
  static PersonRange Only(const SubjectId& id);
  [[nodiscard]] bool Ends(const SubjectId& id) const { return !to_end && !(id < last); }
};

// The runs of users in the range.
std::span<const MovedRun> RunsIn(const Relocations& moved, const PersonRange& range);

}  // namespace bulkhead
