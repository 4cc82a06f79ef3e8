#include "store/event_times.h"

#include <algorithm>
#include <array>

#include "store/code_search.h"

namespace bulkhead {
namespace {

constexpr uint32_t kSearchRows = 4096;
constexpr size_t kDenseShare = 8;  // from an eighth of the persons on, all have a place

// Calls f(row) for each row with the code.
template <typename F>
void ForEachRow(const CodeView& events, uint32_t rows, uint32_t event, F&& f) {
  std::array<uint64_t, kSearchRows / 64> words;
  const std::array<uint32_t, 1> wanted = {event};
  events.Dispatch([&](auto codes) {
    if constexpr (std::is_pointer_v<decltype(codes)>) {
      for (uint32_t first = 0; event != EventTimes::kAnyEvent && first < rows;
           first += kSearchRows) {
        const uint32_t count = std::min(kSearchRows, rows - first);
        FindCodes(codes + first, count, wanted, words.data());
        for (uint32_t i = 0; i < (count + 63) / 64; ++i) {
          for (uint64_t word = words[i]; word != 0; word &= word - 1) {
            f(first + i * 64 + static_cast<uint32_t>(__builtin_ctzll(word)));
          }
        }
      }
      for (uint32_t row = 0; event == EventTimes::kAnyEvent && row < rows; ++row) f(row);
    } else {
      const bool all = event == EventTimes::kAnyEvent || codes.code == event;
      for (uint32_t row = 0; all && row < rows; ++row) f(row);
    }
  });
}

}  // namespace

EventTimes EventTimes::Make(const CodeView& events, const TimeView& times,
                            std::span<const uint32_t> starts, uint32_t event,
                            Resolution resolution) {
  EventTimes made;
  uint32_t person = 0;
  ForEachRow(events, starts.back(), event, [&](uint32_t row) {
    while (starts[person + 1] <= row) ++person;
    made.AddRow(person, row, times[row], resolution);
  });
  made.starts_.push_back(static_cast<uint32_t>(made.times_ms_.size()));
  const size_t persons = starts.size() - 1;
  if (made.persons_.size() * kDenseShare >= persons) made.MakeDense(persons);
  made.times_ms_.shrink_to_fit();
  made.counts_.shrink_to_fit();
  made.rows_.shrink_to_fit();
  return made;
}

void EventTimes::AddRow(uint32_t person, uint32_t row, int64_t time_ms, Resolution resolution) {
  const bool first = persons_.empty() || persons_.back() != person;
  if (first) {
    persons_.push_back(person);
    starts_.push_back(static_cast<uint32_t>(times_ms_.size()));
  }
  if (resolution == Resolution::kExact) {
    times_ms_.push_back(time_ms);
    rows_.push_back(row);
    return;
  }
  const int64_t quarter_ms = QuarterHourOf(time_ms);
  if (!first && times_ms_.back() == quarter_ms) {
    ++counts_.back();
    return;
  }
  times_ms_.push_back(quarter_ms);
  counts_.push_back(1);
}

void EventTimes::MakeDense(size_t persons) {
  std::vector<uint32_t> starts(persons + 1);
  size_t place = 0;
  for (uint32_t person = 0; person <= persons; ++person) {
    while (place < persons_.size() && persons_[place] < person) ++place;
    starts[person] = starts_[place];
  }
  starts_ = std::move(starts);
  persons_ = {};
  dense_ = true;
}

EventTimes::List EventTimes::Of(uint32_t person, size_t* hint) const {
  size_t place = person;
  if (!dense_) {
    place = *hint;
    if (place >= persons_.size() || persons_[place] > person) place = 0;
    // A few steps ahead, else a search.
    for (int step = 0; step < 8 && place < persons_.size() && persons_[place] < person; ++step) {
      ++place;
    }
    if (place < persons_.size() && persons_[place] < person) {
      place = static_cast<size_t>(std::lower_bound(persons_.begin() + static_cast<ptrdiff_t>(place),
                                                   persons_.end(), person) -
                                  persons_.begin());
    }
    *hint = place;
    if (place >= persons_.size() || persons_[place] != person) return {};
  }
  return At(static_cast<uint32_t>(place));
}

size_t EventTimes::MemoryBytes() const {
  return (persons_.capacity() + starts_.capacity() + counts_.capacity() + rows_.capacity()) *
             sizeof(uint32_t) +
         times_ms_.capacity() * sizeof(int64_t);
}

}  // namespace bulkhead
