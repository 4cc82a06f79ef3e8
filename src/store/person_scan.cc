#include "store/person_scan.h"

#include <algorithm>
#include <memory>

#include "store/hit_cursor.h"
#include "store/parallel.h"
#include "store/person_range.h"
#include "store/row_test.h"

namespace bulkhead {
namespace {

// Brings together what the sources have of each person.
class PersonMerger {
 public:
  PersonMerger(const ScanContext::Impl& context, bool with_nobody, PersonVisitor* visitor)
      : context_(context), with_nobody_(with_nobody), visitor_(*visitor), test_(context) {}

  void Run(const PersonRange& range) {
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
  void Add(uint32_t source, HitCursor::Kind kind, const PersonRange& range) {
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

}  // namespace

void ScanPersons(const ScanContext& context, std::span<PersonVisitor* const> visitors) {
  const size_t parts = std::max(context.tasks(), visitors.size());
  RunDealt(parts, static_cast<int>(visitors.size()), [&](size_t worker, size_t part) {
    PersonMerger(context.impl(), !context.spec().people, visitors[worker])
        .Run(PersonRange::Part(part, parts));
  });
}

void ScanPerson(const ScanContext& context, const SubjectId& person, PersonVisitor& visitor) {
  PersonMerger(context.impl(), !context.spec().people, &visitor)
      .Run(PersonRange::Only(context.snapshot().Canonical(person)));
}

}  // namespace bulkhead
