#include "audit/tile_walk.h"

#include <optional>

#include "audit/signed_note.h"

namespace bulkhead {
namespace {

constexpr unsigned kMaxPathElements = 7;  // of three digits: more than 64 bits of index

bool IsThreeDigits(std::string_view text) {
  return text.size() == 3 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

uint64_t Value(std::string_view three_digits) {
  return static_cast<uint64_t>((three_digits[0] - '0') * 100 + (three_digits[1] - '0') * 10 +
                               (three_digits[2] - '0'));
}

class Walk {
 public:
  Walk(FileSystem& fs, std::string dir, TileFiles* out)
      : fs_(fs), dir_(std::move(dir)), out_(out) {}

  // The files of one level (or the bundles), in `path` below it.
  Result<void> Level(const TileFile& level, const std::string& path, uint64_t above,
                     unsigned depth) {
    const Result<std::vector<std::string>> names = fs_.List(dir_ + "/" + path);
    if (!names) {
      return names.error();
    }
    for (const std::string& name : *names) {
      TileFile file = level;
      const std::string below = path + "/" + name;
      Result<void> walked;
      if (name.ends_with(".tmp")) {
        continue;
      }
      if (IsThreeDigits(name)) {
        file.name.index = above * 1000 + Value(name);
        Take(file, below);
      } else if (name.ends_with(".p") && IsThreeDigits(name.substr(0, name.size() - 2))) {
        file.name.index = above * 1000 + Value(name);
        walked = Partial(file, below);
      } else if (name.starts_with('x') && IsThreeDigits(name.substr(1)) &&
                 depth < kMaxPathElements) {
        walked = Level(level, below, above * 1000 + Value(name.substr(1)), depth + 1);
      } else {
        out_->strays.push_back(below);
      }
      if (!walked) {
        return walked;
      }
    }
    return {};
  }

 private:
  Result<void> Partial(TileFile file, const std::string& path) {
    const Result<std::vector<std::string>> names = fs_.List(dir_ + "/" + path);
    if (!names) {
      return names.error();
    }
    for (const std::string& name : *names) {
      const std::optional<uint64_t> width = ParseDecimal(name);
      if (width && *width > 0 && *width < kTileWidth) {
        file.name.width = *width;
        Take(file, path + "/" + name);
      } else if (!name.ends_with(".tmp")) {
        out_->strays.push_back(path + "/" + name);
      }
    }
    return {};
  }

  // "x000/001" would be a second name of "001".
  void Take(const TileFile& file, const std::string& path) {
    const std::string right =
        file.is_bundle ? BundlePath(file.name.index, file.name.width) : TilePath(file.name);
    if (right == path) {
      out_->files.push_back(file);
    } else {
      out_->strays.push_back(path);
    }
  }

  FileSystem& fs_;
  const std::string dir_;
  TileFiles* out_;
};

}  // namespace

Result<TileFiles> WalkTiles(FileSystem& fs, const std::string& dir) {
  TileFiles files;
  if (!fs.Exists(dir + "/tile")) {
    return files;
  }
  const Result<std::vector<std::string>> levels = fs.List(dir + "/tile");
  if (!levels) {
    return levels.error();
  }
  Walk walk(fs, dir, &files);
  for (const std::string& name : *levels) {
    const std::optional<uint64_t> number = ParseDecimal(name);
    TileFile level;
    level.is_bundle = name == "entries";
    if (!level.is_bundle && !(number && *number < kTileLevels)) {
      files.strays.push_back("tile/" + name);
      continue;
    }
    level.name.level = level.is_bundle ? 0 : static_cast<unsigned>(*number);
    if (Result<void> walked = walk.Level(level, "tile/" + name, 0, 0); !walked) {
      return walked.error();
    }
  }
  return files;
}

}  // namespace bulkhead
