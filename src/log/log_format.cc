#include "log/log_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/byte_codec.h"
#include "base/crc32c.h"
#include "base/limits.h"

namespace bulkhead {
namespace {

constexpr std::string_view kHeaderMagic = "BULKHLOG";
constexpr std::array<char, 4> kRecordMagic{'B', 'L', 'R', '\x01'};
constexpr size_t kCrcBytes = 4;

uint32_t Masked(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U; }

}  // namespace

std::string EncodeLogHeader(const LogHeader& header) {
  std::string bytes(kHeaderMagic);
  ByteWriter writer(&bytes);
  writer.Fixed(kLogVersion);
  writer.Fixed(static_cast<uint32_t>(kLogHeaderBytes));
  writer.Fixed(header.start);
  writer.Fixed(header.previous_end);
  bytes.resize(kLogHeaderBytes - kCrcBytes, '\0');
  writer.Fixed(Masked(Crc32c(bytes)));
  return bytes;
}

Result<LogHeader> DecodeLogHeader(std::string_view bytes) {
  ByteReader reader(bytes.substr(0, kLogHeaderBytes));
  if (reader.Raw(kHeaderMagic.size()) != kHeaderMagic) {
    return Error{ErrorCode::kCorruption, "not a log file"};
  }
  const auto version = reader.Fixed<uint32_t>();
  if (reader.ok() && version > kLogVersion) {
    return Error{
        ErrorCode::kUnavailable,
        fmt::format("log file of version {}, this program knows {}", version, kLogVersion)};
  }
  const auto header_bytes = reader.Fixed<uint32_t>();
  LogHeader header;
  header.start = reader.Fixed<uint64_t>();
  header.previous_end = reader.Fixed<uint64_t>();
  const std::string_view zeros =
      reader.Raw(reader.remaining() < kCrcBytes ? 0 : reader.remaining() - kCrcBytes);
  const auto crc = reader.Fixed<uint32_t>();
  if (!reader.ok() || version != kLogVersion || header_bytes != kLogHeaderBytes ||
      crc != Masked(Crc32c(bytes.substr(0, kLogHeaderBytes - kCrcBytes))) ||
      std::any_of(zeros.begin(), zeros.end(), [](char c) { return c != 0; }) ||
      header.start < kFirstLogPosition || header.previous_end > header.start) {
    return Error{ErrorCode::kCorruption, "the header of the log file is damaged"};
  }
  return header;
}

void AppendLogRecord(std::string_view payload, uint64_t position, uint32_t in_group,
                     std::string* out) {
  const size_t begin = out->size();
  ByteWriter writer(out);
  writer.Fixed(kRecordMagic);
  writer.Fixed(static_cast<uint32_t>(payload.size()));
  writer.Fixed(position);
  writer.Fixed(in_group);
  const uint32_t crc = Crc32c(payload, Crc32c(std::string_view(*out).substr(begin)));
  writer.Fixed(Masked(crc));
  writer.Raw(payload);
}

std::optional<LogFrame> DecodeLogFrame(std::string_view bytes, uint64_t position) {
  ByteReader reader(bytes);
  if (reader.Fixed<std::array<char, 4>>() != kRecordMagic) {
    return std::nullopt;
  }
  LogFrame frame;
  frame.payload_bytes = reader.Fixed<uint32_t>();
  frame.position = reader.Fixed<uint64_t>();
  const auto in_group = reader.Fixed<uint32_t>();
  frame.masked_crc = reader.Fixed<uint32_t>();
  if (!reader.ok() || frame.position != position || in_group >= position ||
      frame.payload_bytes == 0 || frame.payload_bytes > limits::kMaxLogRecordBytes) {
    return std::nullopt;
  }
  frame.group_start = position - in_group;
  return frame;
}

bool LogRecordIsWhole(const LogFrame& frame, std::string_view bytes) {
  if (bytes.size() < kLogFrameBytes + frame.payload_bytes) {
    return false;
  }
  const uint32_t crc = Crc32c(bytes.substr(0, kLogFrameBytes - kCrcBytes));
  return Masked(Crc32c(bytes.substr(kLogFrameBytes, frame.payload_bytes), crc)) == frame.masked_crc;
}

}  // namespace bulkhead
