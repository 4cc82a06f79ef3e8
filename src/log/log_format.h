// The bytes of the log (docs/formats/log.md). A position is a place in the log as if its records
// lay in one endless file; each record takes kLogFrameBytes plus its body. A file is a header, then
// the records from the position in its name on.
//
//   header   magic "BULKHLOG" | version u32 | header bytes u32 | start u64 | previous end u64 |
//            key origin u64 | key boxes u32 | zeros u32 | boxes (reader 32 | sealed key 88) |
//            masked crc u32
//   record   magic "BLR" 2 | body bytes u32 | position u64 | in group u32 | masked crc u32 | body
//   body     group number u32 | salt 8 | ciphertext of the payload | tag 16   (log/log_cipher.h)
//
// Integers are little-endian. The crc is CRC-32C over what stands before it and, of a record, the
// body; masked as it may itself be part of bytes that are checked again. It finds what a crash or a
// bad disk did, without any key.
//
// Version 1, still read, has 28 zeros in place of what follows `previous end` in the header, and
// bodies that are the payload itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/crypto.h"

namespace bulkhead {

inline constexpr uint32_t kLogVersion = 2;
inline constexpr size_t kLogFrameBytes = 24;
inline constexpr size_t kLogBodyOverheadBytes = 4 + 8 + 16;  // group number, salt, tag
inline constexpr uint64_t kFirstLogPosition = 1;             // zero is no position
inline constexpr size_t kMostLogReaders = 16;
inline constexpr size_t kMostLogHeaderBytes = 2048;      // enough for any header
inline constexpr uint32_t kMostGroupsInLogFile = 65536;  // a reader may have to step through them
inline constexpr size_t kLogKeyBoxBytes = kKeyBytes + 8 + kSealOverheadBytes;

using LogReaderKey = std::array<uint8_t, 32>;  // public, of a SealKeyPair

// A file's key, sealed to one reader.
struct LogKeyBox {
  LogReaderKey reader{};
  std::array<uint8_t, kLogKeyBoxBytes> sealed{};
  bool operator==(const LogKeyBox&) const = default;
};

struct LogHeader {
  uint32_t version = kLogVersion;
  uint64_t start = 0;
  uint64_t previous_end = 0;
  // The start of the file that the key was made for: another file's only where recovery has moved a
  // group, as it was, into a file of its own. 0 in version 1.
  uint64_t key_origin = 0;
  std::vector<LogKeyBox> boxes = {};  // none in version 1

  [[nodiscard]] size_t bytes() const;
  bool operator==(const LogHeader&) const = default;
};

std::string EncodeLogHeader(const LogHeader& header);
// Of a file's first bytes (kMostLogHeaderBytes of them, or all). kUnavailable: written by a newer
// version; kCorruption: damaged.
Result<LogHeader> DecodeLogHeader(std::string_view bytes);

struct LogFrame {
  uint64_t position = 0;
  uint64_t group_start = 0;
  uint32_t body_bytes = 0;
  uint32_t masked_crc = 0;
  [[nodiscard]] uint64_t next_position() const { return position + kLogFrameBytes + body_bytes; }
};

// Appends a frame whose checksum is yet missing, then `body_bytes` zeros; returns where the frame
// begins in `out`. `in_group`: how far before it the first record of its group lies, which was
// written together with it: everything before that was durable when this record was written.
size_t BeginLogRecord(const LogFrame& frame, uint32_t version, std::string* out);
// The body, the last in `out`, is there now: fills in the checksum.
void FinishLogRecord(size_t frame_at, std::string* out);

// The frame at the start of `bytes`, if they look like the record at `position` of a file of this
// version; its body is not checked.
std::optional<LogFrame> DecodeLogFrame(std::string_view bytes, uint64_t position, uint32_t version);

// `bytes` begin with the frame and hold the whole body.
bool LogRecordIsWhole(const LogFrame& frame, std::string_view bytes);

}  // namespace bulkhead
