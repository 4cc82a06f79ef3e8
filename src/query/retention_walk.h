// One person's returns: a pure function of that person's hits in (time, sequence) order.
//
// Bits of a hit's mask: bit 0 = the birth event, bit 1 = the return event, bit 2 = the global
// condition (all hits where there is none). The rules in words: docs/reports.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "query/time_zone.h"
#include "store/person_scan.h"

namespace bulkhead {

struct RetentionPlan {
  const Buckets* cohorts = nullptr;   // of births
  const Buckets* calendar = nullptr;  // cohorts and everything after them; null = rolling
  int64_t length_ms = 0;              // of a rolling bucket
  size_t buckets = 0;                 // the 0th included
  bool recurring = false;
  bool on_or_after = false;
};

// Calls emit(cohort, birth hit's index, span of the return buckets reached, each once, in no
// order).
class RetentionWalk {
 public:
  explicit RetentionWalk(const RetentionPlan& plan) : plan_(&plan), seen_(plan.buckets, 0) {}

  template <typename Emit>
  void Visit(std::span<const Hit> hits, const Emit& emit) {
    const Buckets& cohorts = *plan_->cohorts;
    int64_t cohort_end_ms = cohorts.from_ms();
    for (size_t i = 0; i < hits.size() && hits[i].time_ms < cohorts.to_ms(); ++i) {
      if ((hits[i].mask & 1) == 0 || hits[i].time_ms < cohort_end_ms) {
        continue;  // not a birth, or of a cohort in which the person already is
      }
      const size_t cohort = cohorts.Of(hits[i].time_ms);
      cohort_end_ms = cohorts.end_ms(cohort);
      // The condition is on the birth that counts, so a first birth outside it hides no other.
      if ((hits[i].mask & 4) != 0) {
        Follow(hits, i);
        emit(cohort, i, std::span<const uint32_t>(reached_));
      }
      if (!plan_->recurring) {
        return;
      }
    }
  }

 private:
  void Follow(std::span<const Hit> hits, size_t birth) {
    ++stamp_;
    reached_.clear();
    const int64_t birth_ms = hits[birth].time_ms;
    const size_t first = plan_->calendar != nullptr ? plan_->calendar->Of(birth_ms) : 0;
    for (size_t i = birth + 1; i < hits.size(); ++i) {
      if ((hits[i].mask & 2) == 0) {
        continue;
      }
      size_t bucket = 0;
      if (plan_->calendar == nullptr) {
        bucket = static_cast<size_t>((hits[i].time_ms - birth_ms) / plan_->length_ms);
      } else if (hits[i].time_ms < plan_->calendar->to_ms()) {
        bucket = plan_->calendar->Of(hits[i].time_ms) - first;
      } else {
        break;
      }
      if (bucket >= plan_->buckets) {
        break;
      }
      if (seen_[bucket] != stamp_) {
        seen_[bucket] = stamp_;
        reached_.push_back(static_cast<uint32_t>(bucket));
      }
    }
    if (plan_->on_or_after && !reached_.empty()) {
      const uint32_t latest = reached_.back();
      reached_.clear();
      for (uint32_t bucket = 0; bucket <= latest; ++bucket) {
        reached_.push_back(bucket);
      }
    }
  }

  const RetentionPlan* plan_;
  std::vector<uint64_t> seen_;
  uint64_t stamp_ = 0;
  std::vector<uint32_t> reached_;
};

}  // namespace bulkhead
