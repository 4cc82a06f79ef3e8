// Every file under a log's tile/ directory, whatever put it there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "audit/tiles.h"
#include "base/file_system.h"

namespace bulkhead {

struct TileFile {
  bool is_bundle = false;
  TileName name;  // level: 0 for bundles
};

struct TileFiles {
  std::vector<TileFile> files;
  std::vector<std::string> strays;  // names that no log has, relative to the log
};

// A log without a tile/ directory has none. Names that end in ".tmp" are of unfinished writes and
// are passed over.
Result<TileFiles> WalkTiles(FileSystem& fs, const std::string& dir);

}  // namespace bulkhead
