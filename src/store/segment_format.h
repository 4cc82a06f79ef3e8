// The layout of a segment file; docs/formats/segment.md draws it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/block_codec.h"
#include "store/segment_data.h"

namespace bulkhead {

// The last byte is the version. Version 1 is plain; it is read, and no longer written.
inline constexpr std::string_view kSegmentHead{"BHSEG\0\0\2", 8};
inline constexpr std::string_view kPlainSegmentHead{"BHSEG\0\0\1", 8};
inline constexpr std::string_view kSegmentTail = "BHSEGEND";
inline constexpr size_t kSegmentTrailerBytes = 4 + 8;           // footer size, tail
inline constexpr size_t kPlainSegmentTrailerBytes = 4 + 4 + 8;  // footer size, its crc, tail
inline constexpr uint32_t kMaxSegmentRows = 1U << 30;
inline constexpr size_t kMaxDictionaryBytes = 1UL << 32;

enum class SegmentForm : uint8_t { kPlain = 1, kEncrypted = 2 };

struct FileSection {
  uint64_t offset = 0;
  uint64_t size = 0;  // as it lies in the file; 0 = absent
  uint32_t crc = 0;   // of plain files
};

// Blocks lie one after the other, kBlockRows rows each, the last one shorter.
struct BlockList {
  struct Block {
    uint64_t offset;
    uint32_t size;
    uint32_t crc;  // of plain files
  };
  std::vector<Block> blocks;
};

struct ColumnEntry {
  std::string name;
  uint32_t largest_code = 0;
  bool constant = false;   // every row has largest_code; no blocks
  FileSection dictionary;  // absent = empty
  BlockList codes;
};

struct SegmentFooter {
  SegmentInfo info;
  bool narrow_times = true;
  int64_t time_base_ms = 0;
  int64_t time_unit_ms = 1;
  FileSection person_ids;  // 16 bytes each, ascending
  BlockList person_rows;   // rows of each person, less one
  BlockList times;
  BlockList ranks;           // no blocks = all 0
  FileSection fingerprints;  // 5 bytes each; absent = all 0
  std::vector<ColumnEntry> columns;
};

inline size_t BlocksFor(uint64_t items) { return (items + kBlockRows - 1) / kBlockRows; }

// For an encrypted file: without checksums, which its tags replace.
void EncodeFooter(const SegmentFooter& footer, std::string* out);

// Checks that everything named lies inside a file of `file_size` bytes and that counts agree.
Result<SegmentFooter> DecodeFooter(std::string_view bytes, uint64_t file_size, SegmentForm form);

// The bytes of a plain file's section or block, its checksum verified.
Result<std::string_view> CheckedBytes(std::string_view file, uint64_t offset, uint64_t size,
                                      uint32_t crc);

struct DictionaryFormat {
  static void Encode(const Dictionary& dictionary, std::string* out);
  static Result<Dictionary> Decode(std::string_view bytes);
};

}  // namespace bulkhead
