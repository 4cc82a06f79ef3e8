#include "audit/tile_reader.h"

#include <algorithm>
#include <optional>
#include <span>

namespace bulkhead {
namespace {

// A partial file of this size may have been replaced by the full one.
Result<std::string> FetchPartialOrFull(const FileFetch& fetch, const std::string& path,
                                       const std::string& full_path) {
  Result<std::string> bytes = fetch(path);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound && path != full_path) {
    Result<std::string> full = fetch(full_path);
    return full ? std::move(full) : std::move(bytes);
  }
  return bytes;
}

}  // namespace

FileFetch FetchFromDirectory(FileSystem& fs, std::string dir) {
  return [&fs, dir = std::move(dir)](const std::string& path) {
    return fs.ReadWhole(dir + "/" + path);
  };
}

uint64_t TileReader::Width(unsigned level, uint64_t index) const {
  const uint64_t full = FullTiles(level, size_);
  return index < full ? kTileWidth : index == full ? EdgeWidth(level, size_) : 0;
}

Result<std::vector<TreeHash>> TileReader::Tile(unsigned level, uint64_t index) {
  const uint64_t width = Width(level, index);
  const TileName name{level, index, width};
  if (width == 0) {
    return Error{ErrorCode::kNotFound, "the log has no " + TilePath({level, index})};
  }
  const Result<std::string> bytes =
      FetchPartialOrFull(fetch_, TilePath(name), TilePath({level, index}));
  if (!bytes) {
    return bytes.error();
  }
  std::optional<std::vector<TreeHash>> hashes = DecodeTile(*bytes, width);
  if (!hashes) {
    return Error{ErrorCode::kCorruption, TilePath(name) + " is cut"};
  }
  return *std::move(hashes);
}

Result<TreeHash> TileReader::Subtree(unsigned level, uint64_t index) {
  const unsigned tile_level = level / kTileBits;
  const unsigned inside = level % kTileBits;
  const uint64_t first = index << inside;
  const uint64_t tile = first / kTileWidth;
  CachedTile& cached = tiles_[tile_level];
  if (cached.hashes.empty() || cached.index != tile) {
    Result<std::vector<TreeHash>> read = Tile(tile_level, tile);
    if (!read) {
      return read.error();
    }
    cached = {tile, *std::move(read)};
  }
  const uint64_t at = first % kTileWidth, count = uint64_t{1} << inside;
  if (at + count > cached.hashes.size()) {
    return Error{ErrorCode::kBug, "a subtree outside the tree was asked for"};
  }
  return RootOf(std::span(cached.hashes).subspan(static_cast<size_t>(at), count));
}

SubtreeSource TileReader::Subtrees() {
  return [this](unsigned level, uint64_t index) { return Subtree(level, index); };
}

Result<std::string> TileReader::BundleBytes(uint64_t index) {
  const uint64_t width = Width(0, index);
  if (width == 0) {
    return Error{ErrorCode::kNotFound, "the log has no " + BundlePath(index, kTileWidth)};
  }
  return FetchPartialOrFull(fetch_, BundlePath(index, width), BundlePath(index, kTileWidth));
}

Result<std::string> TileReader::Entry(uint64_t index) {
  if (index >= size_) {
    return Error{ErrorCode::kNotFound, "the log has no entry " + std::to_string(index)};
  }
  const uint64_t bundle = index / kTileWidth;
  if (bundle_index_ != bundle) {
    Result<std::string> bytes = BundleBytes(bundle);
    if (!bytes) {
      return bytes;
    }
    bundle_ = *std::move(bytes);
    bundle_index_ = bundle;
  }
  const auto entries = DecodeBundle(bundle_, index % kTileWidth + 1, false);
  if (!entries) {
    return Error{ErrorCode::kCorruption, BundlePath(bundle, Width(0, bundle)) + " is cut"};
  }
  return std::string(entries->back());
}

}  // namespace bulkhead
