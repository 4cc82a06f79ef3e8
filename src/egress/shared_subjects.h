// Which subjects more than one vendor was sent, by the ledger: over all time, exact.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "egress/ledger.h"

namespace bulkhead {

// Those of `sorted`, each there once and nobody not among them, that one of the vendors was sent;
// sorted. One pass over the subjects of each vendor.
Result<std::vector<SubjectId>> SubjectsSentTo(const Ledger& ledger,
                                              std::span<const std::string> vendors,
                                              std::span<const SubjectId> sorted);

// How many subjects two vendors have in common, by their names in order; pairs without any are not
// among them. Takes subjects in as many passes as it needs to stay below `most_bytes`.
using SharedCounts = std::map<std::pair<std::string, std::string>, uint64_t>;
Result<SharedCounts> CountSharedSubjects(const Ledger& ledger,
                                         const std::vector<std::string>& vendors,
                                         size_t most_bytes = size_t{128} << 20);

}  // namespace bulkhead
