// The right edge of a growing tree: per level the hashes of the tile that is not full yet. Enough
// to append and to give the root.
#pragma once

#include <array>
#include <vector>

#include "audit/merkle_tree.h"
#include "audit/tiles.h"

namespace bulkhead {

class TreeEdge {
 public:
  struct FullTile {
    TileName name;
    std::vector<TreeHash> hashes;
  };

  TreeEdge() = default;
  // From what was stored: each level's hashes, as many as EdgeWidth says for that size.
  TreeEdge(uint64_t size, std::array<std::vector<TreeHash>, kTileLevels> levels);

  // Tiles that this leaf makes full are appended to `full`.
  void Append(const TreeHash& leaf, std::vector<FullTile>* full);

  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] TreeHash root() const;
  [[nodiscard]] const std::vector<TreeHash>& level(unsigned level) const { return levels_[level]; }

 private:
  uint64_t size_ = 0;
  std::array<std::vector<TreeHash>, kTileLevels> levels_;
};

}  // namespace bulkhead
