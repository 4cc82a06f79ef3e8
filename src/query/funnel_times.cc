#include "query/funnel_times.h"

#include <algorithm>

#include "query/funnel_walk.h"

namespace bulkhead {

FunnelTimesWalk::FunnelTimesWalk(const std::vector<std::string>& events, int64_t window_ms)
    : steps_(events.size()), window_ms_(window_ms), same_event_(events.size()) {
  for (size_t s = 0; s < steps_; ++s) {
    size_t first = s;
    for (size_t earlier = 0; earlier < s; ++earlier) {
      if (events[earlier] == events[s]) {
        first = std::min(first, earlier);
        same_event_[s].push_back(earlier);
      }
    }
    list_of_step_.push_back(first);
  }
  lists_.resize(steps_);
}

void FunnelTimesWalk::Begin(const PersonTimes& person) {
  person_ = &person;
  ++person_stamp_;
}

FunnelTimesWalk::List& FunnelTimesWalk::ListOf(size_t step) {
  List& list = lists_[list_of_step_[step]];
  if (list.person != person_stamp_) {
    list = {person_->Of(list_of_step_[step]).times_ms, 0, person_stamp_, 0};
  }
  return list;
}

// Steps follow each other in time, so that a list is passed through once per attempt. Most lists
// are short: a search by halves would cost more.
void FunnelTimesWalk::Place(List* list, int64_t not_before_ms) {
  constexpr size_t kShort = 16;
  const size_t size = list->times_ms.size();
  if (list->attempt != attempt_stamp_) {
    list->at = 0;
    list->attempt = attempt_stamp_;
    if (size > kShort) {
      const auto begin = list->times_ms.begin();
      list->at =
          static_cast<size_t>(std::lower_bound(begin, list->times_ms.end(), not_before_ms) - begin);
      return;
    }
  }
  while (list->at < size && list->times_ms[list->at] < not_before_ms) {
    ++list->at;
  }
}

bool FunnelTimesWalk::Uses(size_t step, size_t index) const {
  return std::any_of(same_event_[step].begin(), same_event_[step].end(),
                     [&](size_t earlier) { return index_[earlier] == index; });
}

std::span<const int64_t> FunnelTimesWalk::Follow(int64_t from_ms, int64_t to_ms) {
  const std::span<const int64_t> starts = entries();
  const auto entry = std::lower_bound(starts.begin(), starts.end(), from_ms);
  if (entry == starts.end() || *entry >= to_ms) {
    return {};
  }
  ++attempt_stamp_;
  index_[0] = static_cast<size_t>(entry - starts.begin());
  times_ms_[0] = *entry;
  const int64_t deadline_ms = *entry + window_ms_;
  int64_t latest_ms = *entry;
  size_t reached = 1;
  for (; reached < steps_; ++reached) {
    List& list = ListOf(reached);
    Place(&list, latest_ms - kFunnelGraceMs);
    size_t i = list.at;
    while (i < list.times_ms.size() && Uses(reached, i)) {
      ++i;
    }
    if (i >= list.times_ms.size() || list.times_ms[i] > deadline_ms) {
      break;
    }
    index_[reached] = i;
    times_ms_[reached] = list.times_ms[i];
    latest_ms = std::max(latest_ms, list.times_ms[i]);
  }
  return std::span(times_ms_).first(reached);
}

}  // namespace bulkhead
