// One person's returns: a pure function of that person's hits in (time, sequence) order.
//
// Bits of a hit's mask: bit 0 = the birth event, bit 1 = the return event, bit 2 = the global
// condition (all hits where there is none). The rules in words: docs/reports.md.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "query/time_zone.h"
#include "store/event_times.h"
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

// Calls emit(cohort, birth's index, span of the return buckets reached, each once, in no order).
class RetentionWalk {
 public:
  explicit RetentionWalk(const RetentionPlan& plan) : plan_(&plan), seen_(plan.buckets, 0) {}

  template <typename Emit>
  void Visit(std::span<const Hit> hits, const Emit& emit) {
    ForEachBirth(
        hits.size(), [&](size_t i) { return hits[i].time_ms; },
        [&](size_t i) { return (hits[i].mask & 1) != 0; },
        [&](size_t cohort, size_t i) {
          // The condition is on the birth that counts, so a first birth outside it hides no other.
          if ((hits[i].mask & 4) == 0) return;
          Begin(hits[i].time_ms);
          for (size_t k = i + 1; k < hits.size(); ++k) {
            if ((hits[k].mask & 2) != 0 && !Return(hits[k].time_ms)) break;
          }
          emit(cohort, i, Reached());
        });
  }

  // The same over lists of times, for events without conditions. False: nothing was emitted, since
  // a return at the very time of a birth may be before it or after it; the hits tell.
  // `same_event`: both lists are one.
  template <typename Emit>
  bool VisitTimes(const EventTimes::List& births, const EventTimes::List& returns, bool same_event,
                  const Emit& emit) {
    const auto time_of = [&](size_t i) { return births.times_ms[i]; };
    const auto always = [](size_t) { return true; };
    const size_t count = births.times_ms.size();
    const bool ordered = same_event || (!births.rows.empty() && !returns.rows.empty());
    if (!ordered) {
      bool tie = false;
      ForEachBirth(count, time_of, always, [&](size_t, size_t i) {
        tie = tie || std::binary_search(returns.times_ms.begin(), returns.times_ms.end(),
                                        births.times_ms[i]);
      });
      if (tie) return false;
    }
    ForEachBirth(count, time_of, always, [&](size_t cohort, size_t i) {
      size_t k = same_event ? i + 1 : FirstAfter(births, i, returns);
      Begin(births.times_ms[i]);
      if (plan_->on_or_after && k < returns.times_ms.size()) k = returns.times_ms.size() - 1;
      if (FewRollingBuckets()) {
        ReachByBits(returns.times_ms.subspan(k));
      } else {
        while (k < returns.times_ms.size() && Return(returns.times_ms[k])) ++k;
      }
      emit(cohort, i, Reached());
    });
    return true;
  }

 private:
  // Calls birth(cohort, i) for the births that count.
  template <typename TimeOf, typename IsBirth, typename Birth>
  void ForEachBirth(size_t count, const TimeOf& time_of, const IsBirth& is_birth,
                    const Birth& birth) const {
    const Buckets& cohorts = *plan_->cohorts;
    int64_t cohort_end_ms = cohorts.from_ms();
    for (size_t i = 0; i < count && time_of(i) < cohorts.to_ms(); ++i) {
      if (!is_birth(i) || time_of(i) < cohort_end_ms) {
        continue;  // not a birth, or of a cohort in which the person already is
      }
      const size_t cohort = cohorts.Of(time_of(i));
      cohort_end_ms = cohorts.end_ms(cohort);
      birth(cohort, i);
      if (!plan_->recurring) {
        return;
      }
    }
  }

  static size_t FirstAfter(const EventTimes::List& births, size_t birth,
                           const EventTimes::List& returns) {
    const std::span<const int64_t> times = returns.times_ms;
    const int64_t birth_ms = births.times_ms[birth];
    auto k =
        static_cast<size_t>(std::lower_bound(times.begin(), times.end(), birth_ms) - times.begin());
    while (k < times.size() && times[k] == birth_ms && returns.rows[k] <= births.rows[birth]) ++k;
    return k;
  }

  void Begin(int64_t birth_ms) {
    ++stamp_;
    reached_.clear();
    birth_ms_ = birth_ms;
    first_ = plan_->calendar != nullptr ? plan_->calendar->Of(birth_ms) : 0;
    bucket_end_ms_ = INT64_MIN;
    latest_ = SIZE_MAX;
  }

  // A return after the birth, in the order of time; false: no later one can count.
  bool Return(int64_t time_ms) {
    if (time_ms < bucket_end_ms_) return true;  // in the bucket of the one before
    size_t bucket = plan_->buckets;             // beyond the last
    if (plan_->calendar == nullptr) {
      bucket = static_cast<size_t>((time_ms - birth_ms_) / plan_->length_ms);
      bucket_end_ms_ = birth_ms_ + static_cast<int64_t>(bucket + 1) * plan_->length_ms;
    } else if (time_ms < plan_->calendar->to_ms()) {
      const size_t date = plan_->calendar->Of(time_ms);
      bucket = date - first_;
      bucket_end_ms_ = plan_->calendar->end_ms(date);
    }
    if (plan_->on_or_after) {
      latest_ = std::min(bucket, plan_->buckets - 1);
      return true;
    }
    if (bucket >= plan_->buckets) return false;
    if (seen_[bucket] != stamp_) {
      seen_[bucket] = stamp_;
      reached_.push_back(static_cast<uint32_t>(bucket));
    }
    return true;
  }

  [[nodiscard]] bool FewRollingBuckets() const {
    return plan_->calendar == nullptr && !plan_->on_or_after && plan_->buckets <= 64;
  }

  // Without a branch on the bucket: which of them comes next, nothing can predict.
  void ReachByBits(std::span<const int64_t> times_ms) {
    const int64_t length_ms = plan_->length_ms;
    const int64_t end_ms = static_cast<int64_t>(plan_->buckets) * length_ms;
    const double inverse = 1.0 / static_cast<double>(length_ms);
    uint64_t bits = 0;
    for (const int64_t time_ms : times_ms) {
      const int64_t since_ms = time_ms - birth_ms_;
      if (since_ms >= end_ms) break;
      auto bucket = static_cast<int64_t>(static_cast<double>(since_ms) * inverse);
      const int64_t rest_ms = since_ms - bucket * length_ms;  // the product may be off by one
      bucket += (rest_ms >= length_ms ? 1 : 0) - (rest_ms < 0 ? 1 : 0);
      bits |= uint64_t{1} << bucket;
    }
    for (; bits != 0; bits &= bits - 1) {
      reached_.push_back(static_cast<uint32_t>(__builtin_ctzll(bits)));
    }
  }

  std::span<const uint32_t> Reached() {
    // On or after: a return counts in its own bucket and in all before it, also one that comes
    // after the last bucket asked for.
    for (uint32_t bucket = 0; latest_ != SIZE_MAX && bucket <= latest_; ++bucket) {
      reached_.push_back(bucket);
    }
    return reached_;
  }

  const RetentionPlan* plan_;
  std::vector<uint64_t> seen_;
  uint64_t stamp_ = 0;
  std::vector<uint32_t> reached_;
  int64_t birth_ms_ = 0;
  size_t first_ = 0;
  int64_t bucket_end_ms_ = 0;
  size_t latest_ = SIZE_MAX;  // on or after: the bucket of the latest return
};

}  // namespace bulkhead
