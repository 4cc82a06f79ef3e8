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

// Valid during Visit only.
class PersonTimes {
 public:
  virtual ~PersonTimes() = default;
  [[nodiscard]] const SubjectId& person() const { return person_; }  // canonical
  // The times of the filter's event within the scan's range. The order of equal times that came in
  // different segments or under different devices is not that of arrival.
  [[nodiscard]] virtual EventTimes::List Of(size_t filter) const = 0;

 protected:
  SubjectId person_;
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
  class Part;
  class FromLists;
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
