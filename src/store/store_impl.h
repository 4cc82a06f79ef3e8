// The store's inside. Two locks: maintenance_mutex_ is held by whoever writes files, one at a time
// (flush, merge, erasure), and is always taken first; mutex_ guards everything in memory and is
// held briefly. Sources are in order of arrival: those on disk, then those in memory, then
// pending_.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/identity_links.h"
#include "store/key_filter.h"
#include "store/manifest.h"
#include "store/pending_rows.h"
#include "store/people_file.h"
#include "store/profiles.h"
#include "store/segment_merge.h"
#include "store/snapshot_state.h"
#include "store/store.h"

namespace bulkhead {

class Store::Impl {
 public:
  explicit Impl(StoreOptions options);
  ~Impl();

  Result<void> Load();
  void StartBackground();

  Result<void> Apply(const Batch& batch, uint64_t position, uint64_t next_position);
  Result<void> Flush();
  Result<void> Compact();
  Result<void> EraseSubjects(std::span<const SubjectId> people, std::optional<uint64_t> through);
  Result<void> SetRetention(RetentionRules rules);
  Result<uint64_t> ExpireNow(int64_t now_ms);
  RetentionRules retention();
  Result<void> RewrapAll(const KeyRing& keys);
  void NotePosition(uint64_t next_position);
  Snapshot TakeSnapshot();
  StoreStats Stats();
  uint64_t applied();
  uint64_t durable();
  uint64_t erasures_applied();

 private:
  struct Source {
    std::shared_ptr<const Segment> segment;
    std::shared_ptr<DeadRows> dead;
    bool dead_shared = false;  // a snapshot or a merge reads it: copy before changing
    std::shared_ptr<const Relocations> moved;
    uint64_t links_seen = 0;  // `moved` and the rows reflect this many links
    std::shared_ptr<KeyFilter> filter;
    bool frozen = false;  // in memory and being written
    // On disk with rows that were erased or have expired. Set and cleared with maintenance_mutex_
    // held.
    bool purge_due = false;

    [[nodiscard]] uint32_t live_rows() const {
      return segment->info().rows - (dead ? dead->count() : 0);
    }
  };
  struct RowPlace {
    Source* source;  // null = pending_
    uint32_t row;
  };

  // store_open.cc
  Result<Manifest> ReadManifest(const std::string& bytes);
  Result<void> LoadSegment(const ManifestSegment& entry);
  Result<void> LoadPeople(const Manifest& manifest);
  Result<void> LearnNames(const Segment& segment);
  void RemoveLeftovers(const Manifest& manifest, const std::vector<std::string>& files);

  // store_apply.cc; all with mutex_ held
  Result<void> WaitForRoom(std::unique_lock<std::mutex>* lock);
  Result<void> ApplyEvent(const Event& event, uint64_t position);
  void Link(const Event& event, uint64_t position);
  // True: the event is there already and is not to be added.
  Result<bool> SettleDuplicate(const Event& event, uint64_t key);
  Result<std::optional<RowPlace>> FindDuplicate(const Event& event, uint64_t key);
  std::optional<RowPlace> FindInMemory(const Event& event, uint64_t key, Result<void>* status);
  Result<std::optional<uint32_t>> FindInSource(const Source& source, const Event& event);
  Result<bool> HasProperties(const Segment& segment, uint32_t row,
                             const ValueObject& properties) const;
  void Kill(Source* source, uint32_t row);
  void PrefetchKey(uint64_t key) const;

  // store_snapshot.cc; all with mutex_ held
  void SealPending();
  void MergeMemory();
  void UpdateRelocations(Source* source);
  [[nodiscard]] SourceState Share(Source* source);
  [[nodiscard]] uint64_t MemoryRows() const;

  // store_removal.cc
  Result<void> KillSubjects(std::span<const SubjectId> people);     // with mutex_ held
  uint64_t KillRuns(Source* source, std::span<const RowRun> runs);  // with mutex_ held
  Result<uint64_t> KillExpired(const RetentionCutoffs& cutoffs);
  // Rewrites every segment that is due to lose rows. With maintenance_mutex_ held and mutex_ free.
  Result<void> PurgeDue();
  Result<uint64_t> HideExpired(int64_t now_ms);  // the same
  std::vector<std::shared_ptr<const Segment>> FindPurge();
  bool ExpiryDue(bool calm);

  // store_files.cc; all with maintenance_mutex_ held and mutex_ free
  Result<void> FlushRows();
  Result<void> MergeDue();
  // What is worth rewriting while little arrives: fewer segments answer questions faster.
  std::vector<std::shared_ptr<const Segment>> FindCalmMerge();
  // Rewrites these adjacent sources as one.
  Result<void> Rewrite(const std::vector<std::shared_ptr<const Segment>>& segments);
  // Also commits. The disk then holds everything before `position`, if that is new.
  Result<void> WriteAndReplace(std::vector<SourceState> inputs, uint64_t links_applied,
                               uint64_t position);
  Result<void> Commit();
  void RemoveFiles(const std::vector<std::string>& names);  // with mutex_ held
  std::vector<std::shared_ptr<const Segment>> FindMerge();
  void ReplaceSources(const std::vector<SourceState>& inputs, std::optional<Source> output,
                      const std::vector<std::vector<uint32_t>>& row_maps);
  Manifest DescribeSources();  // with mutex_ held
  void Background();
  void Maintain(bool due, bool calm);

  [[nodiscard]] std::string Path(const std::string& name) const {
    return options_.dir + "/" + name;
  }
  [[nodiscard]] FileSystem& fs() const { return *options_.fs; }

  const StoreOptions options_;
  const std::shared_ptr<ColumnCache> cache_;

  std::mutex maintenance_mutex_;
  const KeyRing* ring_;  // changed and used with maintenance_mutex_ held
  std::mutex mutex_;
  std::condition_variable work_;  // for the background thread
  std::condition_variable room_;  // for Apply
  bool stopping_ = false;
  std::optional<Error> write_error_;  // of the last flush
  std::optional<Error> failed_;       // reading stored rows failed: nothing more is applied

  uint64_t applied_ = 0;
  uint64_t durable_ = 0;  // of the manifest
  uint64_t written_ = 0;  // sources on disk hold everything before it; the manifest follows
  uint64_t next_seq_ = 0;
  uint64_t next_file_ = 1;
  uint64_t people_position_ = 0;
  uint64_t people_file_ = 0;
  SecretBytes people_key_;
  bool people_changed_ = false;
  uint64_t erasures_applied_ = 0;
  uint64_t commits_ = 0;
  uint32_t ring_key_ = 0;  // of the manifest
  uint64_t duplicates_dropped_ = 0;
  uint64_t duplicates_replaced_ = 0;

  NameBook names_;
  std::vector<Source> sources_;
  PendingRows pending_{&names_};
  uint64_t pending_base_ = 0;
  KeyTable keys_;                      // of rows in memory that are not being written
  std::vector<KeyTable> frozen_keys_;  // of rows that are
  IdentityLinks links_;
  Profiles profiles_;
  std::shared_ptr<const SnapshotState> last_snapshot_;  // null = something changed since

  RetentionRules retention_;
  int64_t expired_on_ = INT64_MIN;  // the day of UTC up to which rows have expired
  std::optional<std::chrono::steady_clock::time_point> expiry_due_since_;
  uint64_t expired_rows_ = 0;

  bool tracking_kills_ = false;  // a merge is under way: rows that die meanwhile are noted
  std::vector<std::pair<const Segment*, uint32_t>> late_kills_;
  std::vector<std::string> obsolete_files_;  // removed after the next commit

  std::thread background_;
};

}  // namespace bulkhead
