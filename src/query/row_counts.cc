#include "query/row_counts.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxCells = 4'000'000;

size_t WidthOf(const ValueIds* ids, uint32_t source) {
  return ids == nullptr ? 1 : ids->IdsByCode(source).size();
}

}  // namespace

bool RowCounts::Fits(const ScanContext& scan, const ValueIds* ids, size_t buckets) {
  size_t cells = 0;
  for (uint32_t source = 0; source < scan.sources(); ++source) {
    cells += WidthOf(ids, source) * (buckets + 1);
  }
  return cells <= kMaxCells;
}

RowCounts::RowCounts(const ScanContext& scan, const ValueIds* ids, const Buckets& buckets,
                     bool one_bucket)
    : scan_(scan),
      ids_(ids),
      range_(buckets),
      buckets_(one_bucket ? 1 : buckets.size()),
      table_(buckets_ == buckets.size() ? QuarterTable::Make(buckets) : std::nullopt),
      check_times_(buckets_ > 1 || scan.spec().from_ms != buckets.from_ms() ||
                   scan.spec().to_ms != buckets.to_ms()) {
  for (uint32_t source = 0; source < scan.sources(); ++source) {
    widths_.push_back(WidthOf(ids, source));
    counts_.emplace_back(widths_.back() * (buckets_ + 1));
  }
}

void RowCounts::Add(const RowBlock& block, size_t filter) {
  const CodeView codes = ids_ == nullptr ? CodeView() : ids_->CodesOf(block.source);
  codes.Dispatch([&](auto view) {
    if (check_times_) {
      AddByTime(block, filter, view);
      return;
    }
    uint32_t* counts = counts_[block.source].data();
    block.ForEach(filter, [&](uint32_t row) { ++counts[view[row]]; });
  });
}

// Rows of a person lie in the order of time, so that the next one is mostly in the same bucket.
template <typename Codes>
void RowCounts::AddByTime(const RowBlock& block, size_t filter, const Codes& codes) {
  const size_t width = widths_[block.source];
  uint32_t* const all = counts_[block.source].data();
  uint32_t* counts = nullptr;
  int64_t begin_ms = 0;
  int64_t end_ms = 0;
  const TimeView times = scan_.Times(block.source);
  if (table_ && times.offsets() != nullptr) {
    const QuarterTable& table = *table_;
    block.ForEach(filter, [&, offsets = times.offsets(), base_ms = times.base_ms(),
                           unit_ms = times.unit_ms()](uint32_t row) {
      const int64_t time_ms = base_ms + unit_ms * static_cast<int64_t>(offsets[row]);
      ++all[table.Of(time_ms) * width + codes[row]];
    });
    return;
  }
  block.ForEach(filter, [&](uint32_t row) {
    const int64_t time_ms = times[row];
    if (time_ms < begin_ms || time_ms >= end_ms) {
      const bool inside = time_ms >= range_.from_ms() && time_ms < range_.to_ms();
      const size_t date = inside ? range_.Of(time_ms) : 0;
      const bool one = buckets_ == 1 && range_.size() != 1;
      begin_ms = !inside ? time_ms : one ? range_.from_ms() : range_.start_ms(date);
      end_ms = !inside ? time_ms + 1 : one ? range_.to_ms() : range_.end_ms(date);
      counts = all + (!inside ? buckets_ : one ? 0 : date) * width;
    }
    ++counts[codes[row]];
  });
}

}  // namespace bulkhead
