// What one metric has counted so far, by segment and bucket, and the number that it makes of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/report.h"

namespace bulkhead {

// Which of a metric's events reach it through a walk over persons rather than over rows.
bool CountsPersons(Math math);
bool IsRolling(Math math);  // dau, wau, mau

// One cell per (segment slot, bucket), and per slot one for the range as a whole, which comes last.
// Not thread-safe: one per task, then Merge.
class MetricCells {
 public:
  MetricCells(Math math, double percentile, size_t slots, size_t buckets);

  // What such cells take in memory, without the values that percentiles and distinct keep.
  static double Bytes(Math math, size_t slots, size_t buckets);

  // Row metrics. `number` for sum to max, NaN = no number; `id` for distinct, 0 = not set.
  void AddRow(size_t slot, size_t bucket, double number, uint32_t id);
  // kTotal only.
  void AddCount(size_t slot, size_t bucket, uint64_t count);
  // Person metrics: `stamp` differs from person to person and is never 0; one person's calls follow
  // each other.
  void AddPerson(size_t slot, size_t bucket, uint64_t stamp, double amount);
  // kUnique, counted elsewhere: persons of one bucket, or of the whole range.
  void AddPersons(size_t slot, size_t bucket, uint64_t persons) {
    counts_[Cell(slot, bucket)] += persons;
  }
  // Rolling metrics: the person is active in buckets [low, high]; one person's calls are ascending.
  void AddActive(size_t slot, size_t low, size_t high, uint64_t stamp);
  // Rolling metrics: the person is active in the range as a whole.
  void AddOverall(size_t slot, uint64_t stamp);

  void Merge(MetricCells* other);
  // Bucket `buckets` = the whole range. Reorders what percentiles keep.
  [[nodiscard]] double At(size_t slot, size_t bucket);
  [[nodiscard]] bool Empty(size_t slot) const;

 private:
  [[nodiscard]] size_t Cell(size_t slot, size_t bucket) const {
    return slot * (buckets_ + 1) + bucket;
  }
  void AddTo(size_t cell, double number, uint32_t id);
  static void Compact(std::vector<uint32_t>* ids);

  Math math_;
  double percentile_;
  size_t buckets_;
  std::vector<uint64_t> counts_;             // events, or numbers, or persons
  std::vector<double> sums_;                 // sum, avg, per_user_avg; min and max keep theirs here
  std::vector<std::vector<double>> values_;  // percentile
  std::vector<std::vector<uint32_t>> ids_;   // distinct
  std::vector<uint64_t> stamps_;             // person metrics: who was counted last
  std::vector<size_t> next_;                 // rolling: by slot, the first bucket not yet counted
  std::vector<uint64_t> next_stamps_;
};

}  // namespace bulkhead
