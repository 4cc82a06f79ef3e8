#include "store/hit_cursor.h"

#include <algorithm>

#include "store/code_search.h"

namespace bulkhead {
namespace {

constexpr uint32_t kChunkRows = 2048;

}  // namespace

HitFinder::HitFinder(const ScanContext::Impl& context, uint32_t source)
    : spec_(context.spec),
      plan_(context.sources[source]),
      source_(source),
      seq_base_(plan_.state.segment->info().seq_base),
      plain_(!plan_.check_times && plan_.conditional == 0 && plan_.state.dead == nullptr) {}

// The filters of `mask` that dead rows, the time range and conditions leave.
uint64_t HitFinder::Narrow(uint32_t row, int64_t time_ms, uint64_t mask) const {
  if ((plan_.state.dead != nullptr && plan_.state.dead->Has(row)) || time_ms < spec_.from_ms ||
      time_ms >= spec_.to_ms) {
    return 0;
  }
  if ((mask & plan_.conditional) != 0) {
    for (const CodeCondition& condition : plan_.conditions) {
      if (condition.passes[condition.codes[row]] == 0) {
        mask &= ~(1ULL << condition.filter);
      }
    }
  }
  return mask;
}

template <typename Codes, typename Times>
Hit* HitFinder::FindIn(const Codes& codes, const Times& times, uint32_t begin, uint32_t end) {
  Hit* out = hits_.get();
  const uint64_t* masks = plan_.event_masks.data();
  const CodeView ranks = plan_.ranks;
  // Hits are written in any case and kept where the mask is not empty: no branch to mispredict.
  const auto write = [&](uint32_t row, int64_t time_ms, uint64_t mask) {
    *out = {.time_ms = time_ms,
            .mask = mask,
            .seq = seq_base_ + ranks[row],
            .source = source_,
            .row = row};
    out += mask != 0 ? 1 : 0;
  };
  const auto each = [&](auto&& rows) {
    if (plain_) {
      rows([&](uint32_t row) { write(row, times(row), masks[codes[row]]); });
    } else {
      rows([&](uint32_t row) {
        const int64_t time_ms = times(row);
        write(row, time_ms, Narrow(row, time_ms, masks[codes[row]]));
      });
    }
  };
  const auto all_rows = [&](auto&& candidate) {
    for (uint32_t row = begin; row < end; ++row) candidate(row);
  };
  if (!plan_.every_row && std::is_pointer_v<Codes> && plan_.wanted.size() <= kMaxSearchedCodes) {
    if constexpr (std::is_pointer_v<Codes>) {
      words_.resize((end - begin + 63) / 64);
      FindCodes(codes + begin, end - begin, plan_.wanted, words_.data());
    }
    each([&](auto&& candidate) {
      uint32_t base = begin;
      for (uint64_t word : words_) {
        for (; word != 0; word &= word - 1) {
          candidate(base + static_cast<uint32_t>(__builtin_ctzll(word)));
        }
        base += 64;
      }
    });
    return out;
  }
  each(all_rows);
  return out;
}

std::span<const Hit> HitFinder::Find(uint32_t begin, uint32_t end) {
  if (plan_.wanted.empty() || begin == end) {
    return {};
  }
  if (capacity_ < end - begin + 1) {
    capacity_ = end - begin + 1;
    hits_ = std::make_unique_for_overwrite<Hit[]>(capacity_);
  }
  const TimeView view = plan_.times;
  const Hit* last = plan_.events.Dispatch([&](auto codes) {
    if (view.offsets() == nullptr) {
      const int64_t* times = view.times_ms();
      return FindIn(
          codes, [times](uint32_t row) { return times[row]; }, begin, end);
    }
    return FindIn(
        codes,
        [offsets = view.offsets(), base = view.base_ms(), unit = view.unit_ms()](uint32_t row) {
          return base + unit * static_cast<int64_t>(offsets[row]);
        },
        begin, end);
  });
  return {hits_.get(), last};
}

HitCursor::HitCursor(const ScanContext::Impl& context, uint32_t source, Kind kind,
                     const PersonRange& range)
    : plan_(context.sources[source]), kind_(kind), finder_(context, source) {
  const Relocations* moved = plan_.state.moved.get();
  if (kind == Kind::kMoved) {
    if (moved != nullptr) runs_ = RunsIn(*moved, range);
    return;
  }
  next_person_ = plan_.persons.LowerBound(range.first);
  end_person_ = range.to_end ? static_cast<uint32_t>(plan_.persons.ids.size())
                             : plan_.persons.LowerBound(range.last);
  if (moved != nullptr) {
    moved_ = moved->persons();
    moved_ = moved_.subspan(static_cast<size_t>(
        std::lower_bound(moved_.begin(), moved_.end(), next_person_) - moved_.begin()));
  }
}

bool HitCursor::Next() { return kind_ == Kind::kMoved ? NextMoved() : NextInPlace(); }

bool HitCursor::FillChunk() {
  const std::span<const uint32_t> starts = plan_.persons.starts;
  hits_ = {};
  begin_ = end_ = 0;
  while (hits_.empty() && next_person_ < end_person_) {
    at_person_ = next_person_;
    const uint32_t first_row = starts[next_person_];
    const auto last = std::lower_bound(starts.begin() + static_cast<ptrdiff_t>(next_person_) + 1,
                                       starts.begin() + static_cast<ptrdiff_t>(end_person_),
                                       first_row + kChunkRows);
    next_person_ = static_cast<uint32_t>(last - starts.begin());
    hits_ = finder_.Find(first_row, starts[next_person_]);
  }
  return !hits_.empty();
}

bool HitCursor::WasMoved(uint32_t person) {
  while (!moved_.empty() && moved_.front() < person) {
    moved_ = moved_.subspan(1);
  }
  return !moved_.empty() && moved_.front() == person;
}

bool HitCursor::NextInPlace() {
  const uint32_t* starts = plan_.persons.starts.data();
  for (;;) {
    if (end_ == hits_.size() && !FillChunk()) {
      return false;
    }
    begin_ = end_;
    const uint32_t row = hits_[begin_].row;
    while (starts[at_person_ + 1] <= row) {
      ++at_person_;
    }
    const uint32_t end_row = starts[at_person_ + 1];
    do {
      ++end_;
    } while (end_ < hits_.size() && hits_[end_].row < end_row);
    if (!WasMoved(at_person_)) {
      SetPerson(plan_.persons.ids[at_person_]);
      return true;
    }
  }
}

bool HitCursor::NextMoved() {
  while (!runs_.empty()) {
    const MovedRun run = runs_.front();
    runs_ = runs_.subspan(1);
    hits_ = finder_.Find(plan_.persons.starts[run.person], plan_.persons.starts[run.person + 1]);
    if (!hits_.empty()) {
      begin_ = 0;
      end_ = hits_.size();
      SetPerson(run.user);
      return true;
    }
  }
  return false;
}

}  // namespace bulkhead
