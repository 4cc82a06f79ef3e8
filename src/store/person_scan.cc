#include "store/person_scan.h"

#include <algorithm>
#include <memory>

#include "store/hit_cursor.h"
#include "store/parallel.h"
#include "store/row_test.h"

namespace bulkhead {
namespace {

// Brings together what the sources have of each person.
class PersonMerger {
 public:
  PersonMerger(const ScanContext::Impl& context, bool with_nobody, PersonVisitor* visitor)
      : context_(context), with_nobody_(with_nobody), visitor_(*visitor), test_(context) {}

  void Run(const HitCursor::Range& range) {
    for (uint32_t source = 0; source < context_.sources.size(); ++source) {
      Add(source, HitCursor::Kind::kInPlace, range);
      if (context_.sources[source].state.moved != nullptr) {
        Add(source, HitCursor::Kind::kMoved, range);
      }
    }
    while (!cursors_.empty()) {
      if (cursors_.size() == 1 && cursors_[0]->kind() == HitCursor::Kind::kInPlace) {
        Emit(cursors_[0]->person(), cursors_[0]->hits());
        Advance(0);
      } else {
        Step();
      }
    }
  }

 private:
  void Add(uint32_t source, HitCursor::Kind kind, const HitCursor::Range& range) {
    if (context_.sources[source].wanted.empty()) {
      return;
    }
    auto cursor = std::make_unique<HitCursor>(context_, source, kind, range);
    if (cursor->Next()) {
      cursors_.push_back(std::move(cursor));
    }
  }

  // False: that cursor is at its end and gone.
  bool Advance(size_t i) {
    if (cursors_[i]->Next()) {
      return true;
    }
    cursors_.erase(cursors_.begin() + static_cast<ptrdiff_t>(i));
    return false;
  }

  [[nodiscard]] bool Same(size_t i, size_t j) const {
    return cursors_[i]->prefix() == cursors_[j]->prefix() &&
           cursors_[i]->person() == cursors_[j]->person();
  }

  void Step() {
    size_t least = 0;
    size_t sharing = 1;
    for (size_t i = 1; i < cursors_.size(); ++i) {
      const uint64_t a = cursors_[i]->prefix();
      const uint64_t b = cursors_[least]->prefix();
      if (a > b) {
        continue;
      }
      if (Same(i, least)) {
        ++sharing;
      } else if (a < b || cursors_[i]->person() < cursors_[least]->person()) {
        least = i;
        sharing = 1;
      }
    }
    if (sharing == 1 && cursors_[least]->kind() == HitCursor::Kind::kInPlace) {
      Emit(cursors_[least]->person(), cursors_[least]->hits());
      Advance(least);
      return;
    }
    Combine(cursors_[least]->person());
  }

  void Combine(SubjectId person) {
    merged_.clear();
    for (size_t i = 0; i < cursors_.size();) {
      bool there = true;
      while (there && cursors_[i]->person() == person) {
        const std::span<const Hit> hits = cursors_[i]->hits();
        merged_.insert(merged_.end(), hits.begin(), hits.end());
        there = Advance(i);
      }
      i += there ? 1 : 0;
    }
    const auto less = [](const Hit& a, const Hit& b) {
      return a.time_ms != b.time_ms ? a.time_ms < b.time_ms : a.seq < b.seq;
    };
    if (!std::is_sorted(merged_.begin(), merged_.end(), less)) {
      std::stable_sort(merged_.begin(), merged_.end(), less);
    }
    Emit(person, merged_);
  }

  void Emit(const SubjectId& person, std::span<const Hit> hits) {
    if (person.IsNobody() && !with_nobody_) {
      return;
    }
    if (context_.residual_mask != 0) {
      test_.SetPerson(person);
      passed_.clear();
      for (Hit hit : hits) {
        hit.mask = test_.Pass(hit.source, hit.row, hit.mask);
        if (hit.mask != 0) {
          passed_.push_back(hit);
        }
      }
      hits = passed_;
    }
    if (!hits.empty()) {
      visitor_.Visit({person, hits});
    }
  }

  const ScanContext::Impl& context_;
  const bool with_nobody_;
  PersonVisitor& visitor_;
  RowTest test_;
  std::vector<std::unique_ptr<HitCursor>> cursors_;  // all at a run with hits; in order of sources
  std::vector<Hit> merged_;
  std::vector<Hit> passed_;
};

// The t-th of n equal parts of the id space.
SubjectId RangeStart(size_t task, size_t tasks) {
  SubjectId id;
  const uint64_t prefix =
      __builtin_bswap64((UINT64_MAX / tasks) * task + std::min<uint64_t>(task, 1));
  std::memcpy(id.bytes.data(), &prefix, sizeof(prefix));
  return id;
}

void Scan(const ScanContext& context, std::span<PersonVisitor* const> visitors, int threads,
          bool with_nobody) {
  RunParallel(visitors.size(), threads, [&](size_t task) {
    HitCursor::Range range;
    range.first = RangeStart(task, visitors.size());
    range.to_end = task + 1 == visitors.size();
    if (!range.to_end) {
      range.last = RangeStart(task + 1, visitors.size());
    }
    PersonMerger(context.impl(), with_nobody, visitors[task]).Run(range);
  });
}

class BucketCounter final : public PersonVisitor {
 public:
  BucketCounter(size_t filters, std::span<const int64_t> edges_ms)
      : edges_(edges_ms),
        buckets_(edges_.empty() ? 0 : edges_.size() - 1),
        unique_(filters * buckets_),
        totals_(filters * buckets_) {}

  void Visit(const PersonHits& person) override {
    const uint64_t one = person.person.IsNobody() ? 0 : 1;
    const Hit* hit = person.hits.data();
    const Hit* const end = hit + person.hits.size();
    while (hit != end && buckets_ > 0 && hit->time_ms < edges_[0]) {
      ++hit;
    }
    for (size_t bucket = 0; bucket < buckets_ && hit != end; ++bucket) {
      const int64_t bucket_end = edges_[bucket + 1];
      const Hit* const first = hit;
      uint64_t any = 0;
      for (; hit != end && hit->time_ms < bucket_end; ++hit) {
        any |= hit->mask;
      }
      for (uint64_t mask = any; mask != 0; mask &= mask - 1) {
        unique_[static_cast<size_t>(__builtin_ctzll(mask)) * buckets_ + bucket] += one;
      }
      if (any == 1) {  // as always with a single filter
        totals_[bucket] += static_cast<uint64_t>(hit - first);
        continue;
      }
      for (const Hit* each = first; each != hit; ++each) {
        for (uint64_t mask = each->mask; mask != 0; mask &= mask - 1) {
          ++totals_[static_cast<size_t>(__builtin_ctzll(mask)) * buckets_ + bucket];
        }
      }
    }
  }

  void AddTo(BucketCounts* all) const {
    for (size_t i = 0; i < totals_.size(); ++i) {
      all->totals[i / buckets_][i % buckets_] += totals_[i];
      all->unique_people[i / buckets_][i % buckets_] += unique_[i];
    }
  }

 private:
  std::span<const int64_t> edges_;
  size_t buckets_;
  std::vector<uint64_t> unique_;  // [filter][bucket]
  std::vector<uint64_t> totals_;
};

}  // namespace

void ScanPersons(const ScanContext& context, std::span<PersonVisitor* const> visitors,
                 int threads) {
  Scan(context, visitors, threads, !context.spec().people);
}

void ScanPerson(const ScanContext& context, const SubjectId& person, PersonVisitor& visitor) {
  HitCursor::Range range;
  range.first = context.snapshot().Canonical(person);
  range.last = range.first;
  for (size_t i = range.last.bytes.size(); i-- > 0;) {  // the next id
    if (++range.last.bytes[i] != 0) {
      range.to_end = false;
      break;
    }
  }
  PersonMerger(context.impl(), !context.spec().people, &visitor).Run(range);
}

BucketCounts CountByBucket(const ScanContext& context, std::span<const int64_t> edges_ms,
                           int threads) {
  const size_t filters = context.spec().filters.size();
  std::vector<BucketCounter> counters(context.tasks(), BucketCounter(filters, edges_ms));
  std::vector<PersonVisitor*> visitors;
  for (BucketCounter& counter : counters) {
    visitors.push_back(&counter);
  }
  Scan(context, visitors, threads, true);
  BucketCounts all;
  const size_t buckets = edges_ms.empty() ? 0 : edges_ms.size() - 1;
  all.totals.assign(filters, std::vector<uint64_t>(buckets));
  all.unique_people = all.totals;
  for (const BucketCounter& counter : counters) {
    counter.AddTo(&all);
  }
  return all;
}

}  // namespace bulkhead
