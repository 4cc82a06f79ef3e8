#include "audit/tiles.h"

#include <cstring>

#include "base/check.h"

namespace bulkhead {
namespace {

std::string ThreeDigits(uint64_t number) {
  std::string text = std::to_string(number);
  return std::string(3 - text.size(), '0') + text;
}

std::string WithWidth(std::string path, uint64_t width) {
  if (width != kTileWidth) {
    path += ".p/" + std::to_string(width);
  }
  return path;
}

}  // namespace

std::string NumberPath(uint64_t number) {
  std::string path = ThreeDigits(number % 1000);
  for (number /= 1000; number > 0; number /= 1000) {
    path = "x" + ThreeDigits(number % 1000) + "/" + path;
  }
  return path;
}

std::string TilePath(const TileName& tile) {
  return WithWidth("tile/" + std::to_string(tile.level) + "/" + NumberPath(tile.index), tile.width);
}

std::string BundlePath(uint64_t index, uint64_t width) {
  return WithWidth("tile/entries/" + NumberPath(index), width);
}

uint64_t EdgeWidth(unsigned level, uint64_t size) {
  return (size >> (kTileBits * level)) % kTileWidth;
}

uint64_t FullTiles(unsigned level, uint64_t size) {
  return level + 1 < kTileLevels ? size >> (kTileBits * (level + 1)) : 0;
}

std::string EncodeTile(std::span<const TreeHash> hashes) {
  std::string bytes;
  bytes.reserve(hashes.size() * sizeof(TreeHash));
  for (const TreeHash& hash : hashes) {
    bytes.append(reinterpret_cast<const char*>(hash.data()), hash.size());
  }
  return bytes;
}

std::optional<std::vector<TreeHash>> DecodeTile(std::string_view bytes, uint64_t width) {
  if (bytes.size() % sizeof(TreeHash) != 0 || bytes.size() / sizeof(TreeHash) < width ||
      width > kTileWidth) {
    return std::nullopt;
  }
  std::vector<TreeHash> hashes(static_cast<size_t>(width));
  if (width > 0) {
    std::memcpy(hashes.data(), bytes.data(), hashes.size() * sizeof(TreeHash));
  }
  return hashes;
}

void AppendToBundle(std::string_view entry, std::string* bundle) {
  Check(entry.size() <= kMaxEntryBytes, "an entry's length fits in two bytes");
  bundle->push_back(static_cast<char>(entry.size() >> 8));
  bundle->push_back(static_cast<char>(entry.size() & 0xFF));
  bundle->append(entry);
}

std::optional<std::vector<std::string_view>> DecodeBundle(std::string_view bytes, uint64_t width,
                                                          bool exact) {
  std::vector<std::string_view> entries;
  for (uint64_t i = 0; i < width; ++i) {
    if (bytes.size() < 2) {
      return std::nullopt;
    }
    const size_t size =
        static_cast<size_t>(static_cast<uint8_t>(bytes[0])) << 8 | static_cast<uint8_t>(bytes[1]);
    if (bytes.size() - 2 < size) {
      return std::nullopt;
    }
    entries.push_back(bytes.substr(2, size));
    bytes.remove_prefix(2 + size);
  }
  if (exact && !bytes.empty()) {
    return std::nullopt;
  }
  return entries;
}

}  // namespace bulkhead
