// ScanRows: bit maps of the rows that each filter selects, block by block.
#include <algorithm>
#include <array>
#include <memory>

#include "store/code_search.h"
#include "store/parallel.h"
#include "store/person_scan.h"
#include "store/row_test.h"

namespace bulkhead {

class RowScan {
 public:
  RowScan(const ScanContext::Impl& context, RowVisitor* visitor)
      : context_(context), visitor_(*visitor), test_(context) {
    words_.resize(context_.spec.filters.size() * kWords);
    block_.words_ = words_.data();
    block_.words_per_filter_ = kWords;
  }

  void Run(uint32_t source, uint32_t first_row) {
    const SourcePlan& plan = context_.sources[source];
    if (plan.wanted.empty()) {
      return;
    }
    block_.source = source;
    block_.first_row = first_row;
    block_.rows = std::min(kRowBlockRows, plan.state.segment->info().rows - first_row);
    uint64_t any = 0;
    for (size_t filter = 0; filter < context_.spec.filters.size(); ++filter) {
      uint64_t* words = &words_[filter * kWords];
      SelectByEvent(plan, filter, words);
      Narrow(plan, filter, words);
      for (size_t i = 0; i < kWords; ++i) {
        any |= words[i];
      }
    }
    if (any != 0) {
      visitor_.Visit(block_);
    }
  }

 private:
  static constexpr size_t kWords = kRowBlockRows / 64;

  void SelectByEvent(const SourcePlan& plan, size_t filter, uint64_t* words) {
    std::vector<uint32_t> wanted;
    for (const uint32_t code : plan.wanted) {
      if (((plan.event_masks[code] >> filter) & 1U) != 0) {
        wanted.push_back(code);
      }
    }
    std::fill_n(words, kWords, 0);
    if (wanted.empty()) {
      return;
    }
    if (wanted.size() + 1 == plan.event_masks.size()) {
      for (uint32_t row = 0; row < block_.rows; row += 64) {
        const uint32_t left = block_.rows - row;
        words[row / 64] = left >= 64 ? UINT64_MAX : (1ULL << left) - 1;
      }
      return;
    }
    // Here a filter names one event, or none is left out.
    plan.events.Dispatch([&](auto codes) {
      if constexpr (std::is_pointer_v<decltype(codes)>) {
        FindCodes(codes + block_.first_row, block_.rows, {wanted.data(), 1}, words);
      } else if (codes.code == wanted[0]) {
        for (uint32_t row = 0; row < block_.rows; ++row) {
          words[row / 64] |= 1ULL << (row % 64);
        }
      }
    });
  }

  // Keeps the bits of rows for which keep(row) holds.
  template <typename Keep>
  void Filter(uint64_t* words, Keep&& keep) {
    for (size_t i = 0; i < kWords; ++i) {
      for (uint64_t word = words[i]; word != 0; word &= word - 1) {
        const auto bit = static_cast<uint32_t>(__builtin_ctzll(word));
        if (!keep(block_.first_row + static_cast<uint32_t>(i) * 64 + bit)) {
          words[i] &= ~(1ULL << bit);
        }
      }
    }
  }

  void Narrow(const SourcePlan& plan, size_t filter, uint64_t* words) {
    if (plan.state.dead != nullptr) {
      const std::span<const uint64_t> dead = plan.state.dead->words();
      const size_t first = block_.first_row / 64;
      for (size_t i = 0; i < kWords && first + i < dead.size(); ++i) {
        words[i] &= ~dead[first + i];
      }
    }
    if (plan.check_times) {
      const TimeView times = plan.times;
      const int64_t from = context_.spec.from_ms;
      const int64_t to = context_.spec.to_ms;
      Filter(words, [&](uint32_t row) { return times[row] >= from && times[row] < to; });
    }
    for (const CodeCondition& condition : plan.conditions) {
      if (condition.filter == filter) {
        condition.codes.Dispatch([&](auto codes) {
          Filter(words, [&](uint32_t row) { return condition.passes[codes[row]] != 0; });
        });
      }
    }
    if (((context_.residual_mask >> filter) & 1U) != 0) {
      const uint64_t bit = 1ULL << filter;
      uint32_t end_of_person = 0;
      Filter(words, [&](uint32_t row) {
        if (row >= end_of_person) {
          end_of_person = EnterPerson(plan, row);
        }
        return test_.Pass(block_.source, row, bit) != 0;
      });
    }
  }

  // Returns the row after the person's run.
  uint32_t EnterPerson(const SourcePlan& plan, uint32_t row) {
    const auto& starts = plan.persons.starts;
    const auto after = std::upper_bound(starts.begin(), starts.end(), row);
    const SubjectId& id = plan.persons.ids[static_cast<size_t>(after - starts.begin()) - 1];
    test_.SetPerson(context_.snapshot.Canonical(id));
    return *after;
  }

  const ScanContext::Impl& context_;
  RowVisitor& visitor_;
  RowTest test_;
  RowBlock block_;
  std::vector<uint64_t> words_;
};

void ScanRows(const ScanContext& context, std::span<RowVisitor* const> visitors) {
  struct Place {
    uint32_t source;
    uint32_t first_row;
  };
  std::vector<Place> places;
  for (uint32_t source = 0; source < context.sources(); ++source) {
    for (uint32_t row = 0; row < context.SourceRows(source); row += kRowBlockRows) {
      places.push_back({source, row});
    }
  }
  std::vector<std::unique_ptr<RowScan>> scans;
  for (RowVisitor* visitor : visitors) {
    scans.push_back(std::make_unique<RowScan>(context.impl(), visitor));
  }
  RunDealt(places.size(), static_cast<int>(scans.size()), [&](size_t worker, size_t i) {
    scans[worker]->Run(places[i].source, places[i].first_row);
  });
}

}  // namespace bulkhead
