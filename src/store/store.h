// One project's events, people and groups: applies batches in log order and answers from snapshots
// (store/person_scan.h). What is applied is visible at once, in memory; segments are written and
// merged behind by one background thread. The log up to durable_position() is no longer needed:
// after a crash the caller opens the store and applies again from there.
//
// Thread-safe. Apply calls come from one thread at a time, in log order. After an error from
// writing, reads go on and the next flush tries again; applying goes on until memory for unwritten
// rows runs out, then answers kUnavailable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "base/result.h"
#include "model/event.h"
#include "model/ids.h"
#include "store/snapshot.h"

namespace bulkhead {

struct StoreOptions {
  FileSystem* fs = &RealFileSystem();
  std::string dir;  // made if absent; holds this store's files only
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
};

class Store {
 public:
  // kCorruption when a file is damaged or of a newer format; nothing is changed then.
  static Result<std::unique_ptr<Store>> Open(StoreOptions options);
  ~Store();  // does not flush: the log has what memory holds
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Applies the log record at `position`; the next record begins at `next_position`. A record
  // before applied_position() is ignored, so that a replay is harmless.
  Result<void> Apply(const Batch& batch, uint64_t position, uint64_t next_position);

  [[nodiscard]] uint64_t applied_position() const;  // everything before it is visible
  [[nodiscard]] uint64_t durable_position() const;  // the log before it may be trimmed

  // Writes everything applied so far; durable_position() is then at least what applied_position()
  // was.
  Result<void> Flush();

  [[nodiscard]] Snapshot snapshot() const;

  // Removes the person's events (under every device linked to it), profile and links, on disk too:
  // when this returns, no segment file holds them. Events that arrive later make a new person; the
  // caller trims or rewrites the log.
  Result<void> EraseSubject(SubjectId person);

  // Merges the segments into as few as max_merge_rows allows. Does not flush.
  Result<void> Compact();

  [[nodiscard]] StoreStats stats() const;

 private:
  class Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulkhead
