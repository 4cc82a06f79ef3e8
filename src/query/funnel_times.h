// A person's first way through a funnel over lists of times: the same as FunnelWalk's for steps
// that are plain event names, without held values, exclusions or conditions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/limits.h"
#include "store/time_scan.h"

namespace bulkhead {

class FunnelTimesWalk {
 public:
  // `events` by step; filter s of the scan is step s.
  FunnelTimesWalk(const std::vector<std::string>& events, int64_t window_ms);

  void Begin(const PersonTimes& person);

  // The times of the steps reached by the first attempt that begins in [from_ms, to_ms); empty
  // where there is none.
  std::span<const int64_t> Follow(int64_t from_ms, int64_t to_ms);
  // The person's times of the first step.
  std::span<const int64_t> entries() { return ListOf(0).times_ms; }

 private:
  struct List {
    std::span<const int64_t> times_ms;
    size_t at = 0;         // the first time that the next step may have
    uint64_t person = 0;   // whose times they are
    uint64_t attempt = 0;  // which `at` is of
  };
  List& ListOf(size_t step);
  void Place(List* list, int64_t not_before_ms);
  [[nodiscard]] bool Uses(size_t step, size_t index) const;

  size_t steps_;
  int64_t window_ms_;
  std::vector<size_t> list_of_step_;             // the first step with the same event
  std::vector<std::vector<size_t>> same_event_;  // by step: earlier steps with its event
  const PersonTimes* person_ = nullptr;
  uint64_t person_stamp_ = 0;
  uint64_t attempt_stamp_ = 0;
  std::vector<List> lists_;
  std::array<size_t, limits::kMaxFunnelSteps> index_{};  // by step reached, in its list
  std::array<int64_t, limits::kMaxFunnelSteps> times_ms_{};
};

}  // namespace bulkhead
