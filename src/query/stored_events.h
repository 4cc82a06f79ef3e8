// Events as they lie in the store, for whoever sends them on once more (a vendor's back-fill).
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "model/event.h"
#include "store/snapshot.h"

namespace bulkhead {

// Of from <= time < to, in no order, each with its person as known now, the device that it was sent
// under if that was linked to the person since, and the kept bits of its insert id. kLimit: more
// than `most`.
Result<std::vector<Event>> ReadStoredEvents(const Snapshot& snapshot, int64_t from_ms,
                                            int64_t to_ms, size_t most);

}  // namespace bulkhead
