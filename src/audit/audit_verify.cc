#include "audit/audit_verify.h"

#include <algorithm>
#include <array>
#include <optional>
#include <thread>
#include <utility>

#include "audit/audit_reader.h"
#include "audit/subject_sets.h"
#include "audit/tile_walk.h"
#include "audit/tiles.h"
#include "audit/tree_edge.h"

namespace bulkhead {
namespace {

Error Bad(const std::string& what) { return {ErrorCode::kCorruption, what}; }

// What one thread found out about its bundles, in order.
struct BundlesResult {
  std::vector<TreeHash> roots;        // of the full ones
  std::vector<TreeHash> edge_leaves;  // of the last, where it is not full
  std::optional<Error> error;         // the first
  // The first entry that is not what its tile says: either of the two was changed.
  std::optional<std::pair<std::string, std::string>> entry_or_tile;
  int64_t first_ts_ms = INT64_MAX, last_ts_ms = INT64_MIN;
  uint64_t sets = 0, missing_sets = 0;
};

class BundleChecker {
 public:
  BundleChecker(FileSystem& fs, const std::string& dir, const KeyRing* subjects_keys)
      : fs_(fs), dir_(dir) {
    if (subjects_keys != nullptr) {
      sets_.emplace(fs, dir, subjects_keys);
    }
  }

  BundlesResult Check(uint64_t begin, uint64_t end, uint64_t size) {
    for (uint64_t bundle = begin; bundle < end; ++bundle) {
      const uint64_t width = std::min(kTileWidth, size - bundle * kTileWidth);
      if (Result<void> checked = CheckOne(bundle, width); !checked) {
        result_.error = checked.error();
        break;
      }
    }
    return std::move(result_);
  }

 private:
  Result<void> CheckOne(uint64_t bundle, uint64_t width) {
    const std::string name = BundlePath(bundle, width);
    const Result<std::unique_ptr<MappedFile>> file = fs_.Map(dir_ + "/" + name);
    if (!file) {
      return Bad(name + " is missing");
    }
    const auto entries = DecodeBundle((*file)->bytes(), width, true);
    if (!entries) {
      return Bad(name + " is cut, or its lengths were changed");
    }
    std::vector<TreeHash> leaves;
    leaves.reserve(entries->size());
    for (size_t i = 0; i < entries->size(); ++i) {
      if (Result<void> checked = CheckEntry(bundle * kTileWidth + i, (*entries)[i], name);
          !checked) {
        return checked;
      }
      leaves.push_back(LeafHash((*entries)[i]));
    }
    if (Result<void> compared = CompareTile(bundle, leaves, name); !compared) {
      return compared;
    }
    if (width == kTileWidth) {
      result_.roots.push_back(RootOf(leaves));
    } else {
      result_.edge_leaves = std::move(leaves);
    }
    return {};
  }

  Result<void> CheckEntry(uint64_t index, std::string_view bytes, const std::string& name) {
    const std::string place = "entry " + std::to_string(index) + " in " + name;
    const std::optional<AuditRecord> record = ReadAuditRecord(bytes);
    if (!record || record->index != index) {
      return Bad(place + " is not what was written there");
    }
    if (record->ts_ms < result_.last_ts_ms) {
      return Bad(place + " has an earlier time than the entry before it");
    }
    result_.first_ts_ms = std::min(result_.first_ts_ms, record->ts_ms);
    result_.last_ts_ms = record->ts_ms;
    if (sets_ && record->set) {
      const auto set = sets_->Read(index, *record->set);
      const bool is_missing = !set && set.error().code == ErrorCode::kNotFound;
      if (!set && !is_missing) {
        return set.error();
      }
      result_.sets += is_missing ? 0 : 1;
      result_.missing_sets += is_missing ? 1 : 0;
    }
    return {};
  }

  Result<void> CompareTile(uint64_t index, const std::vector<TreeHash>& leaves,
                           const std::string& bundle_name) {
    const std::string name = TilePath({0, index, leaves.size()});
    const Result<std::string> bytes = fs_.ReadWhole(dir_ + "/" + name);
    if (!bytes) {
      return Bad(name + " is missing");
    }
    const auto stored = DecodeTile(*bytes, leaves.size());
    if (!stored || bytes->size() != leaves.size() * sizeof(TreeHash)) {
      return Bad(name + " has a wrong size");
    }
    const auto differs = std::mismatch(leaves.begin(), leaves.end(), stored->begin()).first;
    if (differs != leaves.end() && !result_.entry_or_tile) {
      const auto at = static_cast<uint64_t>(differs - leaves.begin());
      result_.entry_or_tile = {
          "entry " + std::to_string(index * kTileWidth + at) + " in " + bundle_name, name};
    }
    return {};
  }

  FileSystem& fs_;
  const std::string& dir_;
  std::optional<SubjectSetReader> sets_;
  BundlesResult result_;
};

class Verification {
 public:
  Verification(FileSystem& fs, const std::string& dir, const VerifyAuditOptions& options)
      : fs_(fs), dir_(dir), options_(options) {}

  Result<AuditLogReport> Run(const Checkpoint& checkpoint) {
    size_ = checkpoint.size;
    report_.checkpoint = checkpoint;
    if (Result<void> checked = CheckBundles(); !checked) {
      return checked.error();
    }
    const Result<TreeHash> root = CheckUpperTiles();
    if (!root) {
      return root.error();
    }
    if (*root != checkpoint.root) {
      return Bad(entry_or_tile_ ? entry_or_tile_->first + " was changed after it was written"
                                : "checkpoint: its root is not that of the entries");
    }
    if (entry_or_tile_) {
      return Bad(entry_or_tile_->second + " was changed after it was written");
    }
    if (wrong_tile_) {
      return Bad(*wrong_tile_ + " was changed after it was written");
    }
    if (Result<void> checked = CheckOtherFiles(); !checked) {
      return checked.error();
    }
    return std::move(report_);
  }

 private:
  Result<void> CheckBundles() {
    const uint64_t bundles = (size_ + kTileWidth - 1) / kTileWidth;
    const uint64_t parts = std::clamp<uint64_t>(options_.threads, 1, bundles == 0 ? 1 : bundles);
    std::vector<BundlesResult> results(parts);
    std::vector<std::thread> threads;
    for (uint64_t part = 0; part < parts; ++part) {
      threads.emplace_back([&, part] {
        BundleChecker checker(fs_, dir_, options_.subjects_keys);
        results[part] = checker.Check(bundles * part / parts, bundles * (part + 1) / parts, size_);
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    int64_t last_ts_ms = INT64_MIN;
    for (BundlesResult& result : results) {
      if (result.error) {
        return *result.error;
      }
      if (result.first_ts_ms < last_ts_ms) {
        return Bad("an entry has an earlier time than the entry before it");
      }
      last_ts_ms = std::max(last_ts_ms, result.last_ts_ms);
      roots_.insert(roots_.end(), result.roots.begin(), result.roots.end());
      edge_leaves_ = std::move(result.edge_leaves);
      if (!entry_or_tile_) {
        entry_or_tile_ = result.entry_or_tile;
      }
      report_.sets += result.sets;
      report_.missing_sets += result.missing_sets;
    }
    return {};
  }

  // The tree's root as the entries give it; notes the first stored tile that is not theirs.
  Result<TreeHash> CheckUpperTiles() {
    std::array<std::vector<TreeHash>, kTileLevels> edge;
    edge[0] = edge_leaves_;
    std::vector<TreeHash> hashes = roots_;
    for (unsigned level = 1; level < kTileLevels; ++level) {
      std::vector<TreeHash> above;
      for (size_t begin = 0; begin < hashes.size(); begin += kTileWidth) {
        const size_t width = std::min<size_t>(kTileWidth, hashes.size() - begin);
        const auto tile = std::span(hashes).subspan(begin, width);
        const std::string name = TilePath({level, begin / kTileWidth, width});
        const Result<std::string> stored = fs_.ReadWhole(dir_ + "/" + name);
        if (!wrong_tile_ && (!stored || *stored != EncodeTile(tile))) {
          wrong_tile_ = name;
        }
        if (width == kTileWidth) {
          above.push_back(RootOf(tile));
        } else {
          edge[level].assign(tile.begin(), tile.end());
        }
      }
      hashes = std::move(above);
    }
    return TreeEdge(size_, std::move(edge)).root();
  }

  // Older partial tiles must be beginnings of what took their place.
  Result<void> CheckOtherFiles() {
    Result<TileFiles> files = WalkTiles(fs_, dir_);
    if (!files) {
      return files.error();
    }
    report_.strays = std::move(files->strays);
    for (const TileFile& file : files->files) {
      const unsigned level = file.name.level;
      const uint64_t full = FullTiles(level, size_);
      const uint64_t width = file.name.index < full    ? kTileWidth
                             : file.name.index == full ? EdgeWidth(level, size_)
                                                       : 0;
      const std::string name = NameOf(file);
      if (file.name.width == width || (file.name.width < width && IsBeginning(file, width))) {
        continue;
      }
      if (file.name.width < width && width < kTileWidth) {
        return Bad(name + " was changed after it was written");
      }
      // Of a write that no checkpoint commits to, or long replaced by the full tile.
      report_.strays.push_back(name);
    }
    return {};
  }

  static std::string NameOf(const TileFile& file) {
    return file.is_bundle ? BundlePath(file.name.index, file.name.width) : TilePath(file.name);
  }

  bool IsBeginning(const TileFile& file, uint64_t width) {
    TileFile whole = file;
    whole.name.width = width;
    const Result<std::string> part = fs_.ReadWhole(dir_ + "/" + NameOf(file));
    const Result<std::string> all = fs_.ReadWhole(dir_ + "/" + NameOf(whole));
    if (!part || !all || !all->starts_with(*part)) {
      return false;
    }
    return file.is_bundle ? DecodeBundle(*part, file.name.width, true).has_value()
                          : part->size() == file.name.width * sizeof(TreeHash);
  }

  FileSystem& fs_;
  const std::string& dir_;
  const VerifyAuditOptions& options_;
  uint64_t size_ = 0;
  AuditLogReport report_;
  std::vector<TreeHash> roots_;
  std::vector<TreeHash> edge_leaves_;
  std::optional<std::pair<std::string, std::string>> entry_or_tile_;
  std::optional<std::string> wrong_tile_;
};

}  // namespace

Result<AuditLogReport> VerifyAuditLog(FileSystem& fs, const std::string& dir, const LogKeys& log,
                                      const VerifyAuditOptions& options) {
  Result<AuditReader> reader = AuditReader::Open(FetchFromDirectory(fs, dir), log);
  if (!reader) {
    return Error{reader.error().code, "checkpoint: " + reader.error().message};
  }
  // The log signs alone: anything else in the file was put there by somebody else.
  const std::optional<SignedNote> note = ParseNote(reader->signed_checkpoint());
  for (const NoteSignature& signature : note.value_or(SignedNote{}).signatures) {
    if (std::none_of(log.begin(), log.end(),
                     [&](const NoteKey& key) { return IsSignatureOf(key, signature); })) {
      return Bad("checkpoint: it has a signature of an unknown key");
    }
  }
  Result<AuditLogReport> report = Verification(fs, dir, options).Run(reader->checkpoint());
  if (!report || options.noted_checkpoint.empty()) {
    return report;
  }
  const Result<Checkpoint> noted = OpenCheckpoint(options.noted_checkpoint, log);
  if (!noted) {
    return Error{noted.error().code, "noted checkpoint: " + noted.error().message};
  }
  if (noted->size > reader->size()) {
    return Bad("the log has " + std::to_string(reader->size()) + " entries and had " +
               std::to_string(noted->size) + " when it was noted elsewhere");
  }
  const Result<TreeHash> root = reader->RootAt(noted->size);
  if (!root) {
    return root.error();
  }
  if (*root != noted->root) {
    return Bad("the log has another history than the one that was noted elsewhere");
  }
  return report;
}

}  // namespace bulkhead
