#include "store/person_range.h"

#include <algorithm>
#include <cstring>

namespace bulkhead {
namespace {

SubjectId StartOf(size_t i, size_t n) {
  SubjectId id;
  const uint64_t prefix = __builtin_bswap64((UINT64_MAX / n) * i + std::min<uint64_t>(i, 1));
  std::memcpy(id.bytes.data(), &prefix, sizeof(prefix));
  return id;
}

}  // namespace

PersonRange PersonRange::Part(size_t i, size_t n) {
  PersonRange range;
  range.first = StartOf(i, n);
  range.to_end = i + 1 == n;
  if (!range.to_end) range.last = StartOf(i + 1, n);
  return range;
}

PersonRange PersonRange::Only(const SubjectId& id) {
  PersonRange range{id, id, true};
  for (size_t i = range.last.bytes.size(); i-- > 0;) {  // the next id
    if (++range.last.bytes[i] != 0) {
      range.to_end = false;
      break;
    }
  }
  return range;
}

std::span<const MovedRun> RunsIn(const Relocations& moved, const PersonRange& range) {
  const auto less = [](const MovedRun& run, const SubjectId& id) { return run.user < id; };
  const std::span<const MovedRun> all = moved.by_user();
  const auto first = std::lower_bound(all.begin(), all.end(), range.first, less);
  const auto last = range.to_end ? all.end() : std::lower_bound(first, all.end(), range.last, less);
  return {first, last};
}

}  // namespace bulkhead
