#include "audit/tree_edge.h"

#include <bit>
#include <span>

#include "base/check.h"

namespace bulkhead {

TreeEdge::TreeEdge(uint64_t size, std::array<std::vector<TreeHash>, kTileLevels> levels)
    : size_(size), levels_(std::move(levels)) {
  for (unsigned level = 0; level < kTileLevels; ++level) {
    Check(levels_[level].size() == EdgeWidth(level, size), "a level of the edge fits the size");
  }
}

void TreeEdge::Append(const TreeHash& leaf, std::vector<FullTile>* full) {
  TreeHash hash = leaf;
  ++size_;
  for (unsigned level = 0; level < kTileLevels; ++level) {
    levels_[level].push_back(hash);
    if (levels_[level].size() < kTileWidth) {
      return;
    }
    hash = RootOf(levels_[level]);
    full->push_back({{level, FullTiles(level, size_) - 1}, std::move(levels_[level])});
    levels_[level].clear();
  }
}

TreeHash TreeEdge::root() const {
  // Whole subtrees from left to right, large to small; the root joins them from the right.
  std::vector<TreeHash> subtrees;
  for (unsigned level = kTileLevels; level-- > 0;) {
    std::span<const TreeHash> rest(levels_[level]);
    while (!rest.empty()) {
      const size_t width = std::bit_floor(rest.size());
      subtrees.push_back(RootOf(rest.first(width)));
      rest = rest.subspan(width);
    }
  }
  if (subtrees.empty()) {
    return EmptyTreeRoot();
  }
  TreeHash root = subtrees.back();
  for (size_t i = subtrees.size() - 1; i-- > 0;) {
    root = NodeHash(subtrees[i], root);
  }
  return root;
}

}  // namespace bulkhead
