#include "query/metric_cells.h"

#include <algorithm>
#include <cmath>

#include "query/percentile.h"

namespace bulkhead {
namespace {

constexpr size_t kCompactFrom =
    4096;  // distinct ids of a cell are sorted and made unique from this length on

}  // namespace

bool IsRolling(Math math) { return math == Math::kDau || math == Math::kWau || math == Math::kMau; }

bool CountsPersons(Math math) {
  return math == Math::kUnique || math == Math::kPerUserAverage || IsRolling(math);
}

MetricCells::MetricCells(Math math, double percentile, size_t slots, size_t buckets)
    : math_(math), percentile_(percentile), buckets_(buckets) {
  const size_t cells = slots * (buckets + 1);
  counts_.assign(cells, 0);
  if (math == Math::kSum || math == Math::kAverage || math == Math::kMin || math == Math::kMax ||
      math == Math::kPerUserAverage) {
    sums_.assign(cells, 0);
  }
  if (math == Math::kPercentile) {
    values_.resize(cells);
  }
  if (math == Math::kDistinct) {
    ids_.resize(cells);
  }
  if (CountsPersons(math)) {
    stamps_.assign(cells, 0);
    next_.assign(slots, 0);
    next_stamps_.assign(slots, 0);
  }
}

double MetricCells::Bytes(Math math, size_t slots, size_t buckets) {
  const double cell = math == Math::kTotal                                   ? 8
                      : math == Math::kPercentile || math == Math::kDistinct ? 32
                                                                             : 24;
  return cell * static_cast<double>(slots) * static_cast<double>(buckets + 1);
}

void MetricCells::AddCount(size_t slot, size_t bucket, uint64_t count) {
  counts_[Cell(slot, bucket)] += count;
  counts_[Cell(slot, buckets_)] += count;
}

void MetricCells::AddRow(size_t slot, size_t bucket, double number, uint32_t id) {
  if (math_ == Math::kTotal) {
    ++counts_[Cell(slot, bucket)];
    ++counts_[Cell(slot, buckets_)];
    return;
  }
  if (math_ == Math::kDistinct ? id == 0 : std::isnan(number)) {
    return;
  }
  AddTo(Cell(slot, bucket), number, id);
  AddTo(Cell(slot, buckets_), number, id);
}

void MetricCells::AddTo(size_t cell, double number, uint32_t id) {
  const bool first = counts_[cell]++ == 0;
  switch (math_) {
    case Math::kSum:
    case Math::kAverage:
      sums_[cell] += number;
      return;
    case Math::kMin:
      sums_[cell] = first ? number : std::min(sums_[cell], number);
      return;
    case Math::kMax:
      sums_[cell] = first ? number : std::max(sums_[cell], number);
      return;
    case Math::kPercentile:
      values_[cell].push_back(number);
      return;
    default:
      ids_[cell].push_back(id);
      if (ids_[cell].size() >= kCompactFrom && ids_[cell].size() == ids_[cell].capacity()) {
        Compact(&ids_[cell]);
      }
      return;
  }
}

void MetricCells::Compact(std::vector<uint32_t>* ids) {
  std::sort(ids->begin(), ids->end());
  ids->erase(std::unique(ids->begin(), ids->end()), ids->end());
}

void MetricCells::AddPerson(size_t slot, size_t bucket, uint64_t stamp, double amount) {
  for (const size_t cell : {Cell(slot, bucket), Cell(slot, buckets_)}) {
    if (stamps_[cell] != stamp) {
      stamps_[cell] = stamp;
      ++counts_[cell];
    }
    if (!sums_.empty()) {
      sums_[cell] += amount;
    }
  }
}

void MetricCells::AddActive(size_t slot, size_t low, size_t high, uint64_t stamp) {
  if (next_stamps_[slot] != stamp) {
    next_stamps_[slot] = stamp;
    next_[slot] = 0;
  }
  for (size_t bucket = std::max(low, next_[slot]); bucket <= high; ++bucket) {
    ++counts_[Cell(slot, bucket)];
  }
  next_[slot] = std::max(next_[slot], high + 1);
}

void MetricCells::AddOverall(size_t slot, uint64_t stamp) {
  const size_t cell = Cell(slot, buckets_);
  if (stamps_[cell] != stamp) {
    stamps_[cell] = stamp;
    ++counts_[cell];
  }
}

void MetricCells::Merge(MetricCells* other) {
  for (size_t cell = 0; cell < counts_.size(); ++cell) {
    if (math_ == Math::kMin && other->counts_[cell] > 0) {
      sums_[cell] =
          counts_[cell] == 0 ? other->sums_[cell] : std::min(sums_[cell], other->sums_[cell]);
    } else if (math_ == Math::kMax && other->counts_[cell] > 0) {
      sums_[cell] =
          counts_[cell] == 0 ? other->sums_[cell] : std::max(sums_[cell], other->sums_[cell]);
    } else if (!sums_.empty() && math_ != Math::kMin && math_ != Math::kMax) {
      sums_[cell] += other->sums_[cell];
    }
    counts_[cell] += other->counts_[cell];
    if (!values_.empty()) {
      values_[cell].insert(values_[cell].end(), other->values_[cell].begin(),
                           other->values_[cell].end());
      std::vector<double>().swap(other->values_[cell]);
    }
    if (!ids_.empty()) {
      ids_[cell].insert(ids_[cell].end(), other->ids_[cell].begin(), other->ids_[cell].end());
      Compact(&ids_[cell]);
      std::vector<uint32_t>().swap(other->ids_[cell]);
    }
  }
}

bool MetricCells::Empty(size_t slot) const {
  // A trailing window may hold persons whom the range itself does not.
  const auto begin = counts_.begin() + static_cast<ptrdiff_t>(Cell(slot, 0));
  return std::all_of(begin, begin + static_cast<ptrdiff_t>(buckets_ + 1),
                     [](uint64_t count) { return count == 0; });
}

double MetricCells::At(size_t slot, size_t bucket) {
  const size_t cell = Cell(slot, bucket);
  const double count = static_cast<double>(counts_[cell]);
  switch (math_) {
    case Math::kSum:
      return sums_[cell];
    case Math::kAverage:
    case Math::kPerUserAverage:
      return counts_[cell] == 0 ? kNoValue : sums_[cell] / count;
    case Math::kMin:
    case Math::kMax:
      return counts_[cell] == 0 ? kNoValue : sums_[cell];
    case Math::kPercentile:
      return Percentile(&values_[cell], percentile_);
    case Math::kDistinct:
      Compact(&ids_[cell]);
      return static_cast<double>(ids_[cell].size());
    default:
      return count;
  }
}

}  // namespace bulkhead
