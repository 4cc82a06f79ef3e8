// When each person did one event (or any), of one segment: what questions read that ask for
// nothing else about an event. Made from the columns when first asked for, and cached like them.
// Dead rows and linked devices are not considered here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "store/column_view.h"

namespace bulkhead {

class EventTimes {
 public:
  enum class Resolution : uint8_t {
    kExact,
    kQuarterHour  // the quarter hours of UTC with an event, and how many; zones lie on them
  };
  static constexpr int64_t kQuarterHourMs = 900'000;
  static int64_t QuarterHourOf(int64_t time_ms) {  // its start
    const int64_t rest = time_ms % kQuarterHourMs;
    return time_ms - (rest < 0 ? rest + kQuarterHourMs : rest);
  }
  static constexpr uint32_t kAnyEvent = 0;  // instead of an event's code

  // `starts` as in Segment::PersonTable.
  static EventTimes Make(const CodeView& events, const TimeView& times,
                         std::span<const uint32_t> starts, uint32_t event, Resolution resolution);

  struct List {
    std::span<const int64_t> times_ms;  // ascending; equal ones in order of arrival
    std::span<const uint32_t> counts;   // kQuarterHour only: events in each
    // kExact only, where all come from one segment and id: ascending, so that rows of two events
    // tell which of equal times came first. Else empty.
    std::span<const uint32_t> rows;
  };
  // Of the person with this ordinal. `hint` makes calls with ascending ordinals cheap; 0 at first.
  [[nodiscard]] List Of(uint32_t person, size_t* hint) const;

  // The same where dense().
  [[nodiscard]] List At(uint32_t place) const {
    const size_t begin = starts_[place];
    const size_t count = starts_[place + 1] - begin;
    return {Part(times_ms_, begin, count), Part(counts_, begin, count), Part(rows_, begin, count)};
  }

  [[nodiscard]] bool Any(uint32_t place) const { return starts_[place] != starts_[place + 1]; }

  // The persons with any, ascending; empty where all of the segment's are to be asked (dense()).
  [[nodiscard]] std::span<const uint32_t> persons() const { return persons_; }
  [[nodiscard]] bool dense() const { return dense_; }
  [[nodiscard]] size_t MemoryBytes() const;

 private:
  // Of counts or rows that there are none of, nothing.
  template <typename T>
  static std::span<const T> Part(const std::vector<T>& all, size_t begin, size_t count) {
    return all.empty() ? std::span<const T>() : std::span<const T>(all).subspan(begin, count);
  }
  void AddRow(uint32_t person, uint32_t row, int64_t time_ms, Resolution resolution);
  void MakeDense(size_t persons);

  bool dense_ = false;
  std::vector<uint32_t> persons_;
  std::vector<uint32_t> starts_;  // by place in persons_, or by ordinal where dense; one more
  std::vector<int64_t> times_ms_;
  std::vector<uint32_t> counts_;
  std::vector<uint32_t> rows_;
};

}  // namespace bulkhead
