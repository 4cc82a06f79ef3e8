// Scans for questions that ask only who did which event when: no property, no condition. They read
// the lists of store/event_times.h instead of rows, which is several times as fast as ScanPersons
// and answers the same.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/ids.h"
#include "store/event_times.h"
#include "store/person_scan.h"

namespace bulkhead {

class TimeScan;

// One person's times; valid during Visit only.
class PersonTimes {
 public:
  [[nodiscard]] const SubjectId& person() const { return person_; }  // canonical
  // The times of the filter's event within the scan's range. The order of equal times that came in
  // different segments or under different devices is not that of arrival.
  [[nodiscard]] EventTimes::List Of(size_t filter) const {
    if (lists_ != nullptr) {  // nearly always: all in one segment
      const EventTimes* list = lists_[filter].get();
      if (list == nullptr) return {};
      if (list->dense()) return list->At(ordinal_);
    }
    return Search(filter);
  }

 private:
  friend class TimeScan;
  struct Place {
    uint32_t source;
    uint32_t ordinal;
  };
  struct OwnedList {
    std::vector<int64_t> times_ms;
    std::vector<uint32_t> counts;
    [[nodiscard]] EventTimes::List view() const { return {times_ms, counts, {}}; }
  };
  explicit PersonTimes(const TimeScan& scan);

  // Sets the person: everything in one place, places to be added, or lists of its own.
  void BeginAlone(const SubjectId& person, const Place& place);
  void Begin(const SubjectId& person);
  void Add(const Place& place) { places_.push_back(place); }
  void BeginOwned(const SubjectId& person, std::span<const Hit> hits);

  [[nodiscard]] EventTimes::List Search(size_t filter) const;
  [[nodiscard]] EventTimes::List In(const Place& place, size_t filter) const;
  [[nodiscard]] EventTimes::List Combine(size_t filter) const;
  static void MergeInto(const EventTimes::List& more, OwnedList* list);

  const TimeScan* scan_;
  size_t filters_;
  SubjectId person_;
  const std::shared_ptr<const EventTimes>* lists_ = nullptr;  // of the one place
  uint32_t ordinal_ = 0;
  std::vector<Place> places_;
  mutable std::vector<size_t> hints_;        // by source and filter
  mutable std::vector<OwnedList> combined_;  // by filter
};

class TimeVisitor {
 public:
  virtual ~TimeVisitor() = default;
  virtual void Visit(const PersonTimes& person) = 0;
};

class TimeScan {
 public:
  using Resolution = EventTimes::Resolution;

  // Null where the scan's filters have conditions, where its range does not lie on the resolution,
  // or where too much of the data has been replaced since it was written: then ScanPersons has to
  // answer. The context must outlive the scan.
  static Result<std::unique_ptr<TimeScan>> Prepare(const ScanContext& context,
                                                   Resolution resolution);

  // Visits persons who did any of the filters' events, each once, and may visit others: nobody as
  // SubjectId{}, whatever the scan's spec says. With `required`, persons without that filter's
  // event may be left out. Each visitor is on one thread of its own.
  void Run(std::span<TimeVisitor* const> visitors, std::optional<size_t> required) const;

 private:
  struct Source {
    std::vector<std::shared_ptr<const EventTimes>> lists;  // by filter; null = none
    std::vector<uint32_t> skipped;  // ordinals that others answer for, ascending
    bool clip = false;              // has times outside the scan's range
  };
  friend class PersonTimes;
  class Part;
  class FromHits;

  TimeScan(const ScanContext& context, Resolution resolution)
      : context_(context), resolution_(resolution) {}
  bool FindReplaced();
  Result<void> LoadLists(int threads);

  const ScanContext& context_;
  Resolution resolution_;
  std::vector<Source> sources_;
  std::vector<SubjectId> replaced_;  // canonical persons with dead rows, ascending
};

// Runs one visitor per thread.
template <typename Visitor, typename Make>
std::vector<std::unique_ptr<Visitor>> RunTimes(const TimeScan& scan, int threads,
                                               std::optional<size_t> required, const Make& make) {
  std::vector<std::unique_ptr<Visitor>> visitors;
  std::vector<TimeVisitor*> pointers;
  for (int thread = 0; thread < threads; ++thread) {
    visitors.push_back(make());
    pointers.push_back(visitors.back().get());
  }
  scan.Run(pointers, required);
  return visitors;
}

}  // namespace bulkhead
