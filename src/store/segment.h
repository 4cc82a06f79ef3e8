// One immutable run of rows in the order (person, time, arrival), in memory or in a mapped file. Of
// a file only the footer is read at first; columns are decrypted and decoded when first used, and
// cached as they are then. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "store/column_cache.h"
#include "store/event_times.h"
#include "store/segment_blocks.h"
#include "store/segment_data.h"
#include "store/segment_format.h"

namespace bulkhead {

class Segment {
 public:
  struct PersonTable {
    std::span<const SubjectId> ids;    // ascending
    std::span<const uint32_t> starts;  // one more than ids: first row of each, then rows
    // The first person with id >= the given one.
    [[nodiscard]] uint32_t LowerBound(const SubjectId& id) const;
    [[nodiscard]] std::optional<uint32_t> Find(const SubjectId& id) const;
  };
  using Codes = std::shared_ptr<const CodeArray>;
  // How a row stands among rows of equal time by arrival.
  using Ranks = std::shared_ptr<const CodeArray>;

  using Fingerprints = std::shared_ptr<const FingerprintArray>;

  struct File {
    std::string path;
    uint64_t number = 0;  // names the segment in the cache
    SecretBytes key;      // empty: plain, of version 1
  };

  static std::shared_ptr<Segment> InMemory(SegmentData data);
  static Result<std::shared_ptr<Segment>> Open(FileSystem& fs, File file,
                                               std::shared_ptr<ColumnCache> cache);
  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  [[nodiscard]] const SegmentInfo& info() const { return info_; }
  [[nodiscard]] bool on_disk() const { return file_ != nullptr; }
  [[nodiscard]] uint64_t file_number() const { return file_number_; }
  [[nodiscard]] uint64_t file_bytes() const { return file_ ? file_->bytes().size() : 0; }
  [[nodiscard]] const SecretBytes& key() const { return blocks_.key(); }

  [[nodiscard]] size_t columns() const { return names_.size(); }
  [[nodiscard]] const std::string& ColumnName(size_t column) const { return names_[column]; }
  [[nodiscard]] std::optional<size_t> FindProperty(std::string_view name) const;
  [[nodiscard]] bool MayHaveCodes(size_t column) const;  // false: absent on every row

  [[nodiscard]] Result<const PersonTable*> Persons() const;
  [[nodiscard]] Result<std::shared_ptr<const Dictionary>> DictionaryOf(size_t column) const;
  [[nodiscard]] Result<Codes> CodesOf(size_t column) const;
  [[nodiscard]] Result<std::shared_ptr<const TimeArray>> Times() const;
  [[nodiscard]] Result<Ranks> RanksOf() const;
  // `event`: a code of kEventColumn, or EventTimes::kAnyEvent.
  [[nodiscard]] Result<std::shared_ptr<const EventTimes>> EventTimesOf(
      uint32_t event, EventTimes::Resolution resolution) const;
  // For looking up single rows: cached.
  [[nodiscard]] Result<Fingerprints> FingerprintsOf() const;
  // For reading them all once: not put into the cache.
  [[nodiscard]] Result<Fingerprints> LoadFingerprints() const;

 private:
  Segment() = default;
  template <typename T, typename Load>
  Result<std::shared_ptr<const T>> Cached(uint32_t slot, Load load) const;
  Result<std::shared_ptr<const Dictionary>> LoadDictionary(size_t column) const;
  Result<Codes> LoadCodes(size_t column) const;
  Result<std::shared_ptr<const TimeArray>> LoadTimes() const;
  Result<Ranks> LoadRanks() const;
  Result<std::shared_ptr<const EventTimes>> MakeEventTimes(uint32_t event,
                                                           EventTimes::Resolution resolution) const;
  Result<void> LoadPersons() const;

  SegmentInfo info_;
  std::vector<std::string> names_;

  // In memory only.
  std::shared_ptr<const SegmentData> data_;
  mutable std::mutex event_times_mutex_;
  mutable std::map<uint32_t, std::shared_ptr<const EventTimes>> event_times_;

  // On disk only.
  uint64_t file_number_ = 0;
  std::unique_ptr<MappedFile> file_;
  SegmentBlocks blocks_;
  SegmentFooter footer_;
  std::shared_ptr<ColumnCache> cache_;

  mutable std::mutex load_mutex_;  // the person table is loaded once
  mutable std::atomic<bool> persons_loaded_{false};
  mutable PersonTable persons_;
  mutable std::vector<SubjectId> ids_;
  mutable std::vector<uint32_t> starts_;
};

}  // namespace bulkhead
