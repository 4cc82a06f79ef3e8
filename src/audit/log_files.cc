#include "audit/log_files.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "audit/audit_entry.h"
#include "audit/tile_reader.h"
#include "base/check.h"

namespace bulkhead {
namespace {

constexpr const char* kCheckpoint = "checkpoint";
constexpr const char* kUnfinishedCheckpoint = "checkpoint.tmp";  // WriteFileAtomically's name
constexpr const char* kTiles = "tile";

std::string DirectoryOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

Error Corrupt(const std::string& dir, const std::string& what) {
  return {ErrorCode::kCorruption, dir + ": " + what};
}

}  // namespace

void LogGrowth::Add(std::string_view entry) {
  AppendToBundle(entry, &end.bundle);
  end.edge.Append(LeafHash(entry), &full_tiles);
  if (end.size() % kTileWidth == 0) {
    full_bundles.emplace_back(end.size() / kTileWidth - 1, std::exchange(end.bundle, {}));
  }
}

LogFiles::LogFiles(FileSystem& fs, std::string dir, const std::string& origin,
                   std::span<const SigningKey> keys)
    : fs_(fs), dir_(std::move(dir)), origin_(origin), signing_keys_(keys) {
  for (const SigningKey& key : keys) {
    public_keys_.push_back({NoteKeyKind::kLog, origin, key.public_key()});
  }
}

// The newest checkpoint that was ever signed here: the published one, or one whose signing was
// finished and whose publishing was not.
Result<LogFiles::Found> LogFiles::FindCheckpoint() {
  std::optional<Found> found;
  const Result<std::string> published = fs_.ReadWhole(dir_ + "/" + kCheckpoint);
  if (!published && published.error().code != ErrorCode::kNotFound) {
    return published.error();
  }
  if (published) {
    const Result<Checkpoint> opened = OpenCheckpoint(*published, public_keys_);
    if (!opened) {
      return Corrupt(dir_, opened.error().message);
    }
    found = Found{*opened, *published, true};
  } else if (fs_.Exists(dir_ + "/" + kTiles)) {
    return Corrupt(dir_, "there are entries and no checkpoint");
  }
  const Result<std::string> unfinished = fs_.ReadWhole(dir_ + "/" + kUnfinishedCheckpoint);
  const Result<Checkpoint> signed_only =
      unfinished ? OpenCheckpoint(*unfinished, public_keys_)
                 : Result<Checkpoint>(Error{ErrorCode::kNotFound, "no unfinished checkpoint"});
  if (signed_only && found && signed_only->size == found->checkpoint.size &&
      signed_only->root != found->checkpoint.root) {
    return Corrupt(dir_, "two checkpoints of one size contradict each other");
  }
  if (signed_only && (!found || signed_only->size > found->checkpoint.size)) {
    found = Found{*signed_only, *unfinished, false};
  }
  if (!found) {
    const Checkpoint empty{origin_, 0, EmptyTreeRoot()};
    found = Found{empty, "", false};
  }
  return *std::move(found);
}

Result<LogEnd> LogFiles::Load() {
  made_.clear();
  // Where it is there already, the log may have no right to what is around it.
  const bool existed = fs_.Exists(dir_);
  if (Result<void> made = existed ? Result<void>() : fs_.CreateDirs(dir_); !made) {
    return made.error();
  }
  if (Result<void> synced = fs_.SyncDir(DirectoryOf(dir_)); !synced && !existed) {
    return synced.error();
  }
  const Result<Found> found = FindCheckpoint();
  if (!found) {
    return found.error();
  }
  Result<LogEnd> end = ReadEnd(found->checkpoint);
  if (!end) {
    return end;
  }
  if (Result<void> mended = Mend(*end); !mended) {
    return mended.error();
  }
  // Once more where it is there already: a rename is not durable before its directory is synced.
  const bool is_unfinished = !found->is_published && !found->bytes.empty();
  if (Result<void> published = is_unfinished ? FinishPublishing(found->bytes) : Publish(*end);
      !published) {
    return published.error();
  }
  return end;
}

// The signed file itself takes its place, so that it is never away.
Result<void> LogFiles::FinishPublishing(const std::string& bytes) {
  const std::string from = dir_ + "/" + kUnfinishedCheckpoint;
  {
    const Result<std::unique_ptr<AppendFile>> file = fs_.OpenAppend(from);
    if (!file) {
      return file.error();
    }
    if (Result<void> synced = (*file)->Sync(); !synced) {
      return synced;
    }
  }
  if (Result<void> renamed = fs_.Rename(from, dir_ + "/" + kCheckpoint); !renamed) {
    return renamed;
  }
  if (Result<void> synced = fs_.SyncDir(dir_); !synced) {
    return synced;
  }
  signed_checkpoint_ = bytes;
  return {};
}

Result<bool> LogFiles::IsUnchanged() {
  if (fs_.Exists(dir_ + "/" + kUnfinishedCheckpoint)) {
    return false;
  }
  const Result<std::string> bytes = fs_.ReadWhole(dir_ + "/" + kCheckpoint);
  return bytes ? Result<bool>(*bytes == signed_checkpoint_) : bytes.error();
}

Result<LogEnd> LogFiles::ReadEnd(const Checkpoint& checkpoint) {
  LogEnd end;
  std::array<std::vector<TreeHash>, kTileLevels> levels;
  if (Result<void> read = ReadLastEntries(checkpoint.size, &end, levels.data()); !read) {
    return read.error();
  }
  for (unsigned level = 1; level < kTileLevels; ++level) {
    Result<std::vector<TreeHash>> hashes = ReadEdgeLevel(level, checkpoint.size);
    if (!hashes) {
      return hashes.error();
    }
    levels[level] = *std::move(hashes);
  }
  end.edge = TreeEdge(checkpoint.size, std::move(levels));
  if (end.edge.root() != checkpoint.root) {
    return Corrupt(dir_, "the checkpoint does not fit the entries and tiles; verify says where");
  }
  return end;
}

// The entries of the last bundle that is not full, and the time of the very last one.
Result<void> LogFiles::ReadLastEntries(uint64_t size, LogEnd* end, std::vector<TreeHash>* leaves) {
  if (size == 0) {
    return {};
  }
  TileReader reader(FetchFromDirectory(fs_, dir_), size);
  const uint64_t bundle = (size - 1) / kTileWidth;
  const Result<std::string> bytes = reader.BundleBytes(bundle);
  if (!bytes) {
    return Corrupt(dir_, bytes.error().message);
  }
  const auto entries = DecodeBundle(*bytes, reader.Width(0, bundle), false);
  const std::optional<AuditRecord> last =
      entries ? ReadAuditRecord(entries->back()) : std::optional<AuditRecord>();
  if (!last) {
    return Corrupt(dir_, BundlePath(bundle, reader.Width(0, bundle)) + " was changed or cut");
  }
  end->last_ts_ms = last->ts_ms;
  if (size % kTileWidth == 0) {
    return {};
  }
  for (const std::string_view entry : *entries) {
    AppendToBundle(entry, &end->bundle);
    leaves->push_back(LeafHash(entry));
  }
  return {};
}

// From the full tiles below: partial tiles are not synced, and a full one is worth a check.
Result<std::vector<TreeHash>> LogFiles::ReadEdgeLevel(unsigned level, uint64_t size) {
  TileReader reader(FetchFromDirectory(fs_, dir_), size);
  const uint64_t first = FullTiles(level, size) * kTileWidth;
  std::vector<TreeHash> hashes;
  for (uint64_t i = 0; i < EdgeWidth(level, size); ++i) {
    const Result<std::vector<TreeHash>> tile = reader.Tile(level - 1, first + i);
    if (!tile) {
      return Corrupt(dir_, tile.error().message);
    }
    hashes.push_back(RootOf(*tile));
  }
  return hashes;
}

// Partial files are written again where a power cut took them, and removed where they belong to a
// write that never came to its signature.
Result<void> LogFiles::Mend(const LogEnd& end) {
  const uint64_t size = end.size();
  for (unsigned level = 0; level < kTileLevels; ++level) {
    const std::vector<TreeHash>& hashes = end.edge.level(level);
    const uint64_t index = FullTiles(level, size);
    const auto prefix = [&](uint64_t width) {
      return EncodeTile(std::span(hashes).first(static_cast<size_t>(width)));
    };
    Result<void> mended = MendPartialFiles(TilePath({level, index}), hashes.size(), prefix);
    if (mended) {
      mended = DropBeyond(TilePath({level, index + 1}));
    }
    if (!mended) {
      return mended;
    }
    if (index > 0) {
      DropPartialFiles(TilePath({level, index - 1}));
    }
  }
  const uint64_t bundle = FullTiles(0, size), entries = EdgeWidth(0, size);
  const auto prefix = [&](uint64_t width) {
    std::string bytes;
    const auto decoded = DecodeBundle(end.bundle, width, false);
    Check(decoded.has_value(), "the end of the log has the entries of its size");
    for (const std::string_view entry : *decoded) {
      AppendToBundle(entry, &bytes);
    }
    return bytes;
  };
  if (bundle > 0) {
    DropPartialFiles(BundlePath(bundle - 1, kTileWidth));
  }
  Result<void> mended = MendPartialFiles(BundlePath(bundle, kTileWidth), entries, prefix);
  return mended ? DropBeyond(BundlePath(bundle + 1, kTileWidth)) : mended;
}

Result<void> LogFiles::MendPartialFiles(const std::string& full_name, uint64_t width,
                                        const Prefix& prefix) {
  const std::string partial = full_name + ".p";
  std::set<uint64_t> widths;
  if (fs_.Exists(dir_ + "/" + partial)) {
    const Result<std::vector<std::string>> names = fs_.List(dir_ + "/" + partial);
    if (!names) {
      return names.error();
    }
    for (const std::string& name : *names) {
      const std::optional<uint64_t> number = ParseDecimal(name);
      if (number && *number <= width) {
        widths.insert(*number);
      } else if (Result<void> removed = fs_.Remove(dir_ + "/" + partial + "/" + name); !removed) {
        return removed;
      }
    }
  }
  if (fs_.Exists(dir_ + "/" + full_name)) {
    if (Result<void> removed = fs_.Remove(dir_ + "/" + full_name); !removed) {
      return removed;
    }
  }
  if (width > 0) {
    widths.insert(width);
  }
  for (const uint64_t one : widths) {
    const std::string name = partial + "/" + std::to_string(one), bytes = prefix(one);
    const Result<std::string> there = fs_.ReadWhole(dir_ + "/" + name);
    if (there && *there == bytes) {
      continue;
    }
    if (Result<void> written = WriteDurably(name, bytes); !written) {
      return written;
    }
  }
  return {};
}

// A tile of which the log has nothing.
Result<void> LogFiles::DropBeyond(const std::string& full_name) {
  return MendPartialFiles(full_name, 0, [](uint64_t) { return std::string(); });
}

Result<void> LogFiles::MakeDirectory(const std::string& path) {
  if (made_.contains(path)) {
    return {};
  }
  if (Result<void> created = fs_.CreateDirs(path); !created) {
    return created;
  }
  for (std::string below = path; below.size() > dir_.size();) {
    below = DirectoryOf(below);
    if (Result<void> synced = fs_.SyncDir(below); !synced) {
      return synced;
    }
  }
  made_.insert(path);
  return {};
}

Result<void> LogFiles::WriteDurably(const std::string& name, std::string_view bytes) {
  const std::string path = dir_ + "/" + name;
  if (Result<void> made = MakeDirectory(DirectoryOf(path)); !made) {
    return made;
  }
  return fs_.WriteFileAtomically(path, bytes);
}

// For what Load makes again: whole or not there for whoever reads meanwhile, anything after a power
// cut.
Result<void> LogFiles::WriteUnsynced(const std::string& name, std::string_view bytes) {
  const std::string path = dir_ + "/" + name, temporary = path + ".tmp";
  if (Result<void> made = MakeDirectory(DirectoryOf(path)); !made) {
    return made;
  }
  if (fs_.Exists(temporary)) {
    if (Result<void> removed = fs_.Remove(temporary); !removed) {
      return removed;
    }
  }
  const Result<std::unique_ptr<AppendFile>> file = fs_.OpenAppend(temporary);
  if (!file) {
    return file.error();
  }
  if (Result<void> written = (*file)->Append(bytes); !written) {
    return written;
  }
  return fs_.Rename(temporary, path);
}

Result<void> LogFiles::WriteTiles(const LogGrowth& growth) {
  Result<void> written;
  for (const auto& [index, bytes] : growth.full_bundles) {
    if (written = WriteDurably(BundlePath(index, kTileWidth), bytes); !written) {
      return written;
    }
  }
  for (const TreeEdge::FullTile& tile : growth.full_tiles) {
    if (written = WriteDurably(TilePath(tile.name), EncodeTile(tile.hashes)); !written) {
      return written;
    }
  }
  const uint64_t size = growth.end.size();
  if (const uint64_t width = EdgeWidth(0, size); width > 0) {
    if (written = WriteDurably(BundlePath(FullTiles(0, size), width), growth.end.bundle);
        !written) {
      return written;
    }
  }
  for (unsigned level = 0; level < kTileLevels; ++level) {
    const std::vector<TreeHash>& hashes = growth.end.edge.level(level);
    const bool grew = size >> (kTileBits * level) != growth.old_size >> (kTileBits * level);
    if (!grew || hashes.empty()) {
      continue;
    }
    const TileName name{level, FullTiles(level, size), hashes.size()};
    if (written = WriteUnsynced(TilePath(name), EncodeTile(hashes)); !written) {
      return written;
    }
  }
  return {};
}

Result<void> LogFiles::Publish(const LogEnd& end) {
  const Checkpoint checkpoint{origin_, end.size(), end.edge.root()};
  SignedNote note{checkpoint.ToText(), {}};
  for (const SigningKey& key : signing_keys_) {
    note.signatures.push_back(SignCheckpoint(checkpoint, key));
  }
  if (Result<void> written = WriteDurably(kCheckpoint, note.ToText()); !written) {
    return written;
  }
  signed_checkpoint_ = note.ToText();
  return {};
}

void LogFiles::DropPartialTiles(const LogGrowth& growth) {
  for (const auto& [index, bytes] : growth.full_bundles) {
    DropPartialFiles(BundlePath(index, kTileWidth));
  }
  for (const TreeEdge::FullTile& tile : growth.full_tiles) {
    DropPartialFiles(TilePath(tile.name));
  }
}

void LogFiles::DropPartialFiles(const std::string& full_name) {
  const std::string partial = dir_ + "/" + full_name + ".p";
  const Result<std::vector<std::string>> names = fs_.List(partial);
  if (!names) {
    return;
  }
  made_.erase(partial);
  bool all = true;
  for (const std::string& name : *names) {
    all = fs_.Remove(partial + "/" + name).has_value() && all;
  }
  if (all) {
    (void)fs_.Remove(partial).has_value();
  }
}

}  // namespace bulkhead
