#include "store/segment_dump.h"

#include <fmt/format.h>

#include <numeric>

#include "store/manifest.h"
#include "store/segment_blocks.h"

namespace bulkhead {
namespace {

uint64_t BytesOf(const BlockList& list) {
  return std::accumulate(
      list.blocks.begin(), list.blocks.end(), uint64_t{0},
      [](uint64_t sum, const BlockList::Block& block) { return sum + block.size; });
}

// Empty for a plain file.
Result<SecretBytes> KeyOf(FileSystem& fs, const std::string& path, std::string_view file,
                          const KeyRing& keys, std::string_view owner) {
  if (file.starts_with(kPlainSegmentHead)) {
    return SecretBytes();
  }
  const size_t slash = path.rfind('/');
  const std::string dir = slash == std::string::npos ? "." : path.substr(0, slash);
  const Result<std::string> bytes = fs.ReadWhole(dir + "/" + std::string(kManifestName));
  if (!bytes) return bytes.error();
  const Result<Manifest> manifest = DecodeManifest(*bytes, keys, owner);
  if (!manifest) return manifest.error();
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  for (const ManifestSegment& segment : manifest->segments) {
    if (SegmentFileName(segment.file) == name) return SecretBytes(segment.key.view());
  }
  return Error{ErrorCode::kNotFound, "segment: the manifest beside it does not name this file"};
}

}  // namespace

Result<std::string> DumpSegment(FileSystem& fs, const std::string& path, const KeyRing& keys,
                                std::string_view owner) {
  Result<std::unique_ptr<MappedFile>> file = fs.Map(path);
  if (!file) {
    return file.error();
  }
  const Result<SecretBytes> key = KeyOf(fs, path, (*file)->bytes(), keys, owner);
  if (!key) {
    return key.error();
  }
  const Result<SegmentBlocks> blocks = SegmentBlocks::Open((*file)->bytes(), *key);
  if (!blocks) {
    return blocks.error();
  }
  const Result<SegmentFooter> footer = blocks->ReadFooter();
  if (!footer) {
    return footer.error();
  }
  const auto rows = static_cast<double>(footer->info.rows);
  std::string text;
  const auto line = [&](std::string_view name, uint64_t bytes, const std::string& note) {
    fmt::format_to(std::back_inserter(text), "{:<32} {:>12} bytes  {:>7.3f} per row  {}\n", name,
                   bytes, rows > 0 ? static_cast<double>(bytes) / rows : 0.0, note);
  };
  line("(file)", (*file)->bytes().size(), fmt::format("{} rows", footer->info.rows));
  line("(person ids)", footer->person_ids.size, fmt::format("{} persons", footer->info.persons));
  line("(person rows)", BytesOf(footer->person_rows), "");
  line("(times)", BytesOf(footer->times), fmt::format("unit {} ms", footer->time_unit_ms));
  line("(order among equal times)", BytesOf(footer->ranks), "");
  line("(insert fingerprints)", footer->fingerprints.size, "");
  for (const ColumnEntry& column : footer->columns) {
    line(column.name, BytesOf(column.codes) + column.dictionary.size,
         column.constant ? "constant"
                         : fmt::format("{} distinct values, {} bytes of them", column.largest_code,
                                       column.dictionary.size));
  }
  return text;
}

}  // namespace bulkhead
