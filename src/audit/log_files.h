// The writing side of a log's files: what is on disk of the tree, how it grows by a group of
// entries, and how it is found again at a start. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/signed_note.h"
#include "audit/tiles.h"
#include "audit/tree_edge.h"
#include "base/file_system.h"
#include "base/result.h"
#include "crypto/signature.h"

namespace bulkhead {

// The end of a log: what the next entries are put behind.
struct LogEnd {
  TreeEdge edge;
  std::string bundle;  // the entries of the bundle that is not full yet
  int64_t last_ts_ms = 0;

  [[nodiscard]] uint64_t size() const { return edge.size(); }
};

// Entries on their way to disk, behind the end that they were added to.
struct LogGrowth {
  LogEnd end;
  uint64_t old_size = 0;
  std::vector<std::pair<uint64_t, std::string>> full_bundles;
  std::vector<TreeEdge::FullTile> full_tiles;

  void Add(std::string_view entry);
};

class LogFiles {
 public:
  // Every one of the keys signs. They and what is behind `fs` outlive this object.
  LogFiles(FileSystem& fs, std::string dir, const std::string& origin,
           std::span<const SigningKey> keys);

  // Reads the end of the log, makes durable what a failed write may have left half-way, and leaves
  // a signed checkpoint; makes the log where there is none.
  Result<LogEnd> Load();
  // Whether the files are as the last Load or Publish left them.
  Result<bool> IsUnchanged();

  // The growth's entries and tiles, durable afterwards. A failure leaves files that no checkpoint
  // commits to; Load before the next attempt.
  Result<void> WriteTiles(const LogGrowth& growth);
  // Signs the end and makes the checkpoint durable. After a failure the signature may be on disk or
  // not; only Load finds out.
  Result<void> Publish(const LogEnd& end);
  // Removes partial tiles that full ones have replaced. Failures do not matter.
  void DropPartialTiles(const LogGrowth& growth);

  [[nodiscard]] const LogKeys& public_keys() const { return public_keys_; }
  [[nodiscard]] const std::string& signed_checkpoint() const { return signed_checkpoint_; }

 private:
  struct Found {
    Checkpoint checkpoint;
    std::string bytes;
    bool is_published = false;
  };
  Result<Found> FindCheckpoint();
  Result<LogEnd> ReadEnd(const Checkpoint& checkpoint);
  Result<std::vector<TreeHash>> ReadEdgeLevel(unsigned level, uint64_t size);
  Result<void> ReadLastEntries(uint64_t size, LogEnd* end, std::vector<TreeHash>* leaves);
  Result<void> Mend(const LogEnd& end);
  using Prefix = std::function<std::string(uint64_t width)>;
  Result<void> MendPartialFiles(const std::string& full_name, uint64_t width, const Prefix& prefix);
  Result<void> DropBeyond(const std::string& full_name);
  Result<void> FinishPublishing(const std::string& bytes);
  Result<void> MakeDirectory(const std::string& path);
  Result<void> WriteDurably(const std::string& name, std::string_view bytes);
  Result<void> WriteUnsynced(const std::string& name, std::string_view bytes);
  void DropPartialFiles(const std::string& full_name);

  FileSystem& fs_;
  const std::string dir_;
  const std::string origin_;
  const std::span<const SigningKey> signing_keys_;
  LogKeys public_keys_;
  std::string signed_checkpoint_;
  std::set<std::string> made_;  // directories that are known to be durable
};

}  // namespace bulkhead
