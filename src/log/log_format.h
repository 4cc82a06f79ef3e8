// The bytes of the log (docs/formats/log.md). A position is a place in the log as if its records
// lay in one endless file; each record takes kLogFrameBytes plus its payload. A file is a header,
// then the records from the position in its name on.
//
//   header   magic "BULKHLOG" | version u32 | header bytes u32 | start u64 | previous end u64 |
//   zeros | masked crc u32 record   magic "BLR" 1    | payload bytes u32 | position u64 | in group
//   u32 | masked crc u32 | payload
//
// Integers are little-endian. The crc is CRC-32C over what stands before it and, of a record, the
// payload; masked as it may itself be part of bytes that are checked again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bulkhead {

inline constexpr uint32_t kLogVersion = 1;
inline constexpr size_t kLogHeaderBytes = 64;
inline constexpr size_t kLogFrameBytes = 24;
inline constexpr uint64_t kFirstLogPosition = 1;  // zero is no position

struct LogHeader {
  uint64_t start = 0;
  uint64_t previous_end = 0;
};

std::string EncodeLogHeader(const LogHeader& header);
// Of a file's first bytes. kUnavailable: written by a newer version; kCorruption: damaged.
Result<LogHeader> DecodeLogHeader(std::string_view bytes);

// Appends one record. `in_group`: how far before it the first record of its group lies, which was
// written together with it: everything before that was durable when this record was written.
void AppendLogRecord(std::string_view payload, uint64_t position, uint32_t in_group,
                     std::string* out);

struct LogFrame {
  uint64_t position = 0;
  uint64_t group_start = 0;
  uint32_t payload_bytes = 0;
  uint32_t masked_crc = 0;
  [[nodiscard]] uint64_t next_position() const { return position + kLogFrameBytes + payload_bytes; }
};

// The frame at the start of `bytes`, if they look like the record at `position`; its payload is not
// checked.
std::optional<LogFrame> DecodeLogFrame(std::string_view bytes, uint64_t position);

// `bytes` begin with the frame and hold the whole payload.
bool LogRecordIsWhole(const LogFrame& frame, std::string_view bytes);

}  // namespace bulkhead
