// One project's events, people and groups: applies batches in log order and answers from snapshots
// (store/person_scan.h). What is applied is visible at once, in memory; segments are written and
// merged behind by one background thread. The log up to durable_position() is no longer needed:
// after a crash the caller opens the store and applies again from there.
//
// Every file is encrypted (docs/formats/manifest.md): without a key of the ring the directory tells
// sizes and nothing else.
//
// Thread-safe. Apply calls come from one thread at a time, in log order. After an error from
// writing, reads go on and the next flush tries again; applying goes on until memory for unwritten
// rows runs out, then answers kUnavailable.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "base/result.h"
#include "crypto/key_ring.h"
#include "model/event.h"
#include "model/ids.h"
#include "store/retention_rules.h"
#include "store/snapshot.h"

namespace bulkhead {

inline constexpr std::chrono::hours kMaxExpiryDelay{1};  // and the time of rewriting

struct StoreOptions {
  FileSystem* fs = &RealFileSystem();
  std::string dir;                // made if absent; holds this store's files only
  const KeyRing* keys = nullptr;  // required; outlives the store
  // Whose the store is, such as the project's number: under another it does not open.
  std::string owner;
  // Files from before encryption are read; what is written anew is encrypted. False where the store
  // never had any: then none can be slipped in.
  bool accept_plain = true;
  // Where the log's oldest record begins, if known: a store that is older lacks events that are
  // gone from the log, and is refused before anything of it is touched.
  uint64_t log_begins_at = 0;
  int threads = 2;
  size_t flush_rows = limits::kMemtableFlushRows;
  size_t column_cache_bytes = 1UL << 30;  // decoded columns of disk segments
  size_t max_merge_rows = 64'000'000;     // larger segments are left alone
  bool background = true;                 // false: flush and merge happen inside Apply (for tests)
  const Clock* clock = &SystemClock();
};

struct StoreStats {
  uint64_t events = 0;       // live rows
  uint64_t dead_rows = 0;    // replaced or erased, not yet dropped by a merge
  uint64_t memory_rows = 0;  // not yet in a segment file
  uint64_t disk_bytes = 0;   // segment files
  uint64_t segments = 0;     // on disk
  uint64_t profiles = 0;
  uint64_t links = 0;
  uint64_t duplicates_dropped = 0;   // since opening
  uint64_t duplicates_replaced = 0;  // since opening
  uint64_t column_cache_bytes = 0;
  uint64_t plain_segments = 0;  // from before encryption, not merged since
  uint64_t purge_due = 0;       // segments to rewrite because rows were erased or have expired
  uint64_t expired_rows = 0;    // since opening
  uint64_t commits = 0;         // manifests ever written
  uint32_t ring_key = 0;        // number of the key that the manifest is wrapped under
};

class Store {
 public:
  // kCorruption when a file is damaged, missing, of a newer format, or encrypted under another key;
  // kDenied when the ring has no key of the number that the manifest names. Nothing is changed
  // then.
  static Result<std::unique_ptr<Store>> Open(StoreOptions options);
  ~Store();  // does not flush: the log has what memory holds
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Applies the log record at `position`; the next record begins at `next_position`. A record
  // before applied_position() is ignored, so that a replay is harmless.
  Result<void> Apply(const Batch& batch, uint64_t position, uint64_t next_position);

  // The log before `next_position` has nothing more for this store: to be called for records of
  // others, so that durable_position() can follow the log. Cheap.
  void NotePosition(uint64_t next_position);

  [[nodiscard]] uint64_t applied_position() const;  // everything before it is visible
  [[nodiscard]] uint64_t durable_position() const;  // the log before it may be trimmed

  // Writes everything applied so far; durable_position() is then at least what applied_position()
  // was. Where there are no new rows that is the manifest alone. Done by itself when there are
  // flush_rows in memory or durable_position() is limits::kMaxStoreLagBytes behind.
  Result<void> Flush();

  [[nodiscard]] Snapshot snapshot() const;

  // Removes the people's events (under every device linked to them), profiles and links, on disk
  // too: when this returns, no segment file holds them. One pass over the segments, however many
  // they are. Events that arrive later make new people; the caller trims or rewrites the log.
  // After an error they are not seen any more and may be on disk; calling again goes on.
  //
  // `through`: how many of the audit log's erasures have now been carried out here. The number is
  // kept in the manifest, so that after an old copy of the directory was put back
  // erasures_applied() tells from where on they must be carried out again: once the log that came
  // with the copy has been applied. An erasure must name the devices too: the copy may be older
  // than their links.
  Result<void> EraseSubjects(std::span<const SubjectId> people,
                             std::optional<uint64_t> through = std::nullopt);
  Result<void> EraseSubject(SubjectId person) { return EraseSubjects({&person, 1}); }
  [[nodiscard]] uint64_t erasures_applied() const;

  // The rules are the caller's to keep; none are in force after Open. From then on expired events
  // are removed by ExpireNow in the first calm hour of each day of UTC and when the rules change,
  // at the latest kMaxExpiryDelay after. Until then questions see them. kInvalid: a name twice, or
  // days beyond 1 to kMaxRetentionDays.
  Result<void> SetRetention(RetentionRules rules);
  [[nodiscard]] RetentionRules retention() const;
  // Removes what has expired at that moment, from memory and, by rewriting segments, from disk with
  // all values that nothing else uses; the log before now is no longer applied again. The result is
  // how many events. After an error they are not seen any more and may be on disk; calling again,
  // or merging, goes on.
  Result<uint64_t> ExpireNow(int64_t now_ms);

  // From now on writes under this ring, which outlives the store; when this returns, opening it
  // needs no key but the newest. Rewrites the manifest, which holds the keys of all other files.
  // After an error the former newest key is still needed.
  Result<void> RewrapAll(const KeyRing& keys);

  // Merges the segments into as few as max_merge_rows allows. Does not flush.
  Result<void> Compact();

  [[nodiscard]] StoreStats stats() const;

 private:
  class Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulkhead
