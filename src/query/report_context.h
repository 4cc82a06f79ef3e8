// What every report needs beside its question.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/report.h"
#include "query/time_zone.h"
#include "store/person_scan.h"

namespace bulkhead {

struct ReportContext {
  Snapshot snapshot;
  TimeZone zone;
  int64_t now_ms = 0;
  int threads = 2;
};

// Both conditions; null where there is neither.
SharedExpression Both(const SharedExpression& a, const SharedExpression& b);

// The segments a report shows: the largest, by some count, get a slot each, all others share the
// last one.
class SegmentSlots {
 public:
  // Every combination has its own slot.
  static SegmentSlots All(uint32_t combinations);
  // The `limit` combinations of the largest counts, ties by id; those of count zero never get one.
  static SegmentSlots Largest(std::span<const double> counts, size_t limit);

  [[nodiscard]] uint32_t Of(uint32_t combination) const {
    return slots_.empty() ? combination : slots_[combination];
  }
  [[nodiscard]] uint32_t size() const { return size_; }
  [[nodiscard]] bool IsOther(uint32_t slot) const { return !slots_.empty() && slot + 1 == size_; }
  [[nodiscard]] uint32_t CombinationOf(uint32_t slot) const {
    return slots_.empty() ? slot : combinations_[slot];
  }

 private:
  uint32_t size_ = 1;
  std::vector<uint32_t> slots_;         // by combination; empty = identity
  std::vector<uint32_t> combinations_;  // by slot, without $other
};

// Runs one visitor per thread over all persons.
template <typename Visitor, typename Make>
std::vector<std::unique_ptr<Visitor>> RunPersons(const ScanContext& scan, int threads,
                                                 const Make& make) {
  std::vector<std::unique_ptr<Visitor>> visitors;
  std::vector<PersonVisitor*> pointers;
  for (int thread = 0; thread < threads; ++thread) {
    visitors.push_back(make());
    pointers.push_back(visitors.back().get());
  }
  ScanPersons(scan, pointers);
  return visitors;
}

template <typename Visitor, typename Make>
std::vector<std::unique_ptr<Visitor>> RunRows(const ScanContext& scan, int threads,
                                              const Make& make) {
  std::vector<std::unique_ptr<Visitor>> visitors;
  std::vector<RowVisitor*> pointers;
  for (int thread = 0; thread < threads; ++thread) {
    visitors.push_back(make());
    pointers.push_back(visitors.back().get());
  }
  ScanRows(scan, pointers);
  return visitors;
}

// Refuses what would count in more memory than a report may take: `bytes` on each thread.
Result<void> CheckCells(double bytes, int threads);

}  // namespace bulkhead
