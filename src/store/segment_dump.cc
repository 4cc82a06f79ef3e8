#include "store/segment_dump.h"

#include <fmt/format.h>

#include <numeric>

#include "store/segment_format.h"

namespace bulkhead {
namespace {

uint64_t BytesOf(const BlockList& list) {
  return std::accumulate(
      list.blocks.begin(), list.blocks.end(), uint64_t{0},
      [](uint64_t sum, const BlockList::Block& block) { return sum + block.size; });
}

}  // namespace

Result<std::string> DumpSegment(FileSystem& fs, const std::string& path) {
  Result<std::unique_ptr<MappedFile>> file = fs.Map(path);
  if (!file) {
    return file.error();
  }
  Result<SegmentFooter> footer = ReadSegmentFooter((*file)->bytes());
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
  line("(person ids)", footer->person_ids.size,
       fmt::format("{} persons", footer->person_ids.size / 16));
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
