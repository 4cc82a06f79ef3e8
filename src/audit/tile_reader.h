// Reads the tiles and entries of a log of a given size, wherever its files lie. What it gives is as
// the files have it: whoever must not trust them compares roots.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "audit/merkle_tree.h"
#include "audit/tiles.h"
#include "base/file_system.h"
#include "base/result.h"

namespace bulkhead {

// The bytes of one of the log's files, named relative to the log ("tile/0/000"). kNotFound where
// there is none.
using FileFetch = std::function<Result<std::string>(const std::string& path)>;

FileFetch FetchFromDirectory(FileSystem& fs, std::string dir);

// Not thread-safe.
class TileReader {
 public:
  TileReader(FileFetch fetch, uint64_t size) : fetch_(std::move(fetch)), size_(size) {}

  [[nodiscard]] uint64_t size() const { return size_; }
  // How many hashes or entries the tree of this size has in a tile; 0: no such tile.
  [[nodiscard]] uint64_t Width(unsigned level, uint64_t index) const;

  Result<std::vector<TreeHash>> Tile(unsigned level, uint64_t index);
  // The root of a whole subtree inside the tree; the last tiles are kept.
  Result<TreeHash> Subtree(unsigned level, uint64_t index);
  [[nodiscard]] SubtreeSource Subtrees();

  // The bundle's bytes; they may go on behind the entries that this size has.
  Result<std::string> BundleBytes(uint64_t index);
  // The entry's bytes; the last bundle is kept.
  Result<std::string> Entry(uint64_t index);

 private:
  struct CachedTile {
    uint64_t index = 0;
    std::vector<TreeHash> hashes;
  };
  FileFetch fetch_;
  uint64_t size_;
  std::map<unsigned, CachedTile> tiles_;
  uint64_t bundle_index_ = UINT64_MAX;
  std::string bundle_;
};

}  // namespace bulkhead
