// Makes one segment out of several: drops dead rows, moves linked devices' runs to their users,
// keeps only dictionary values that are still used. The order is planned first; columns are then
// made one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "store/key_filter.h"
#include "store/segment_data.h"
#include "store/source_state.h"

namespace bulkhead {

class SegmentMerge {
 public:
  // `inputs` in order of age: adjacent sources of the store. `links_applied`: how many links their
  // relocations reflect.
  static Result<std::unique_ptr<SegmentMerge>> Plan(std::vector<SourceState> inputs,
                                                    uint64_t links_applied);

  [[nodiscard]] uint32_t rows() const { return info_.rows; }

  // All in memory; ranks are exact places in the order of arrival.
  Result<SegmentData> ToMemory();
  // To a file, with dense ranks. The result is the key that opens it.
  Result<SecretBytes> ToFile(FileSystem& fs, const std::string& path);

  // What was row `row` of input `input`; kDropped if it is gone.
  static constexpr uint32_t kDropped = UINT32_MAX;
  [[nodiscard]] std::vector<std::vector<uint32_t>> RowMaps() const;

  // The keys of all rows that have a fingerprint.
  Result<std::shared_ptr<KeyFilter>> MakeFilter();

 private:
  struct Run;
  struct Place {  // where a row of the result comes from
    uint32_t row;
    uint32_t input;
  };

  Result<void> LoadInputs();
  std::vector<Run> CollectRuns() const;
  void EmitPerson(const Run* begin, const Run* end);
  void PlanOrder();

  [[nodiscard]] TimeArray MakeTimes() const;
  [[nodiscard]] std::vector<uint32_t> ExactRanks() const;
  [[nodiscard]] std::vector<uint32_t> DenseRanks() const;
  [[nodiscard]] Result<FingerprintArray> MakeFingerprints() const;
  [[nodiscard]] std::vector<std::string> PropertyNames() const;
  Result<ColumnData> MakeColumn(const std::string& name, bool is_event) const;
  Result<ColumnData> MakeOrigin() const;
  [[nodiscard]] uint64_t SeqOf(const Place& place) const;

  struct Input {
    SourceState source;
    const Segment::PersonTable* persons = nullptr;
    std::shared_ptr<const TimeArray> times;
    Segment::Ranks ranks;
  };
  std::vector<Input> inputs_;
  SegmentInfo info_;
  std::vector<Place> order_;
  std::vector<SubjectId> persons_;
  std::vector<uint32_t> starts_;
  std::vector<std::pair<uint32_t, SubjectId>> moved_rows_;  // row of the result, device it was at
};

// Adds the keys of one source's rows.
Result<void> AddKeys(const SourceState& source, KeyFilter* filter);

}  // namespace bulkhead
