// How a tree lies in files, as C2SP's tlog-tiles has it: a tile is 256 hashes of one level, an
// entry bundle the 256 entries below a tile of level 0. What is not yet full has its width in its
// name. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/merkle_tree.h"

namespace bulkhead {

inline constexpr uint64_t kTileWidth = 256;
inline constexpr unsigned kTileBits = 8;
inline constexpr unsigned kTileLevels = 8;  // 64 bits of size
inline constexpr size_t kMaxEntryBytes = 65'535;

struct TileName {
  unsigned level = 0;
  uint64_t index = 0;
  uint64_t width = kTileWidth;
  friend bool operator==(const TileName&, const TileName&) = default;
};

// "001", "x001/x234/067": the number as path elements of three digits.
std::string NumberPath(uint64_t number);

// "tile/0/x001/067" and "tile/entries/x001/067"; ".p/17" behind it where the width is not full.
std::string TilePath(const TileName& tile);
std::string BundlePath(uint64_t index, uint64_t width);

// How many hashes the last tile of a level has that is not full, in a tree of `size`; 0: there is
// none.
uint64_t EdgeWidth(unsigned level, uint64_t size);
// Full tiles of a level.
uint64_t FullTiles(unsigned level, uint64_t size);

std::string EncodeTile(std::span<const TreeHash> hashes);
// The first `width` hashes of a tile file of at least that width; nullopt where it is shorter or
// not whole hashes.
std::optional<std::vector<TreeHash>> DecodeTile(std::string_view bytes, uint64_t width);

// Entries of at most kMaxEntryBytes, each behind its length in two bytes, big-endian.
void AppendToBundle(std::string_view entry, std::string* bundle);
// The first `width` entries, as views of `bytes`; nullopt where there are fewer or one is cut.
// `exact`: nothing may follow them.
std::optional<std::vector<std::string_view>> DecodeBundle(std::string_view bytes, uint64_t width,
                                                          bool exact);

}  // namespace bulkhead
