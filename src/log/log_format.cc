#include "log/log_format.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_codec.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/limits.h"

namespace bulkhead {
namespace {

constexpr std::string_view kHeaderMagic = "BULKHLOG";
constexpr size_t kHeaderBytes1 = 64;
constexpr size_t kHeaderBytesBeforeBoxes = 48;
constexpr size_t kBoxBytes = sizeof(LogReaderKey) + kLogKeyBoxBytes;
constexpr size_t kCrcBytes = 4;
constexpr size_t kCrcAt = kLogFrameBytes - kCrcBytes;
static_assert(kHeaderBytesBeforeBoxes + kMostLogReaders * kBoxBytes + kCrcBytes <=
              kMostLogHeaderBytes);

uint32_t Masked(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U; }

std::array<char, 4> RecordMagic(uint32_t version) {
  return {'B', 'L', 'R', static_cast<char>(version)};
}

Error DamagedHeader() { return {ErrorCode::kCorruption, "the header of the log file is damaged"}; }

bool AllZeros(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

bool IsSensible(const LogHeader& header) {
  const bool encrypted = header.version > 1;
  return header.start >= kFirstLogPosition && header.previous_end <= header.start &&
         encrypted == (header.key_origin >= kFirstLogPosition) &&
         header.key_origin <= header.start && encrypted == !header.boxes.empty() &&
         header.boxes.size() <= kMostLogReaders;
}

// What stands between `previous end` and the checksum; what is damaged is told by the caller's
// checks.
void DecodeKeyPart(ByteReader* reader, LogHeader* header) {
  header->key_origin = reader->Fixed<uint64_t>();
  const auto count = reader->Fixed<uint32_t>();
  const auto zeros = reader->Fixed<uint32_t>();
  if (zeros != 0 || count > kMostLogReaders) {
    return;
  }
  for (uint32_t i = 0; i < count && reader->ok(); ++i) {
    LogKeyBox& box = header->boxes.emplace_back();
    box.reader = reader->Fixed<LogReaderKey>();
    box.sealed = reader->Fixed<std::array<uint8_t, kLogKeyBoxBytes>>();
  }
}

}  // namespace

size_t LogHeader::bytes() const {
  return version == 1 ? kHeaderBytes1
                      : kHeaderBytesBeforeBoxes + boxes.size() * kBoxBytes + kCrcBytes;
}

std::string EncodeLogHeader(const LogHeader& header) {
  Check(IsSensible(header), "a log header that can be read back");
  std::string bytes(kHeaderMagic);
  ByteWriter writer(&bytes);
  writer.Fixed(header.version);
  writer.Fixed(static_cast<uint32_t>(header.bytes()));
  writer.Fixed(header.start);
  writer.Fixed(header.previous_end);
  if (header.version > 1) {
    writer.Fixed(header.key_origin);
    writer.Fixed(static_cast<uint32_t>(header.boxes.size()));
    writer.Fixed(uint32_t{0});
    for (const LogKeyBox& box : header.boxes) {
      writer.Fixed(box.reader);
      writer.Fixed(box.sealed);
    }
  }
  bytes.resize(header.bytes() - kCrcBytes, '\0');
  writer.Fixed(Masked(Crc32c(bytes)));
  return bytes;
}

Result<LogHeader> DecodeLogHeader(std::string_view bytes) {
  ByteReader start(bytes);
  if (start.Raw(kHeaderMagic.size()) != kHeaderMagic) {
    return Error{ErrorCode::kCorruption, "not a log file"};
  }
  LogHeader header;
  header.version = start.Fixed<uint32_t>();
  if (start.ok() && header.version > kLogVersion) {
    return Error{
        ErrorCode::kUnavailable,
        fmt::format("log file of version {}, this program knows {}", header.version, kLogVersion)};
  }
  const auto header_bytes = start.Fixed<uint32_t>();
  if (!start.ok() || header.version == 0 || header_bytes < kHeaderBytesBeforeBoxes + kCrcBytes ||
      header_bytes > kMostLogHeaderBytes || header_bytes > bytes.size()) {
    return DamagedHeader();
  }
  const std::string_view before_crc = bytes.substr(0, header_bytes - kCrcBytes);
  ByteReader reader(bytes.substr(kHeaderMagic.size() + 8, header_bytes - kHeaderMagic.size() - 8));
  header.start = reader.Fixed<uint64_t>();
  header.previous_end = reader.Fixed<uint64_t>();
  if (header.version > 1) {
    DecodeKeyPart(&reader, &header);
  }
  const std::string_view zeros =
      reader.Raw(reader.remaining() < kCrcBytes ? 0 : reader.remaining() - kCrcBytes);
  const auto crc = reader.Fixed<uint32_t>();
  if (!reader.ok() || crc != Masked(Crc32c(before_crc)) || !AllZeros(zeros) ||
      !IsSensible(header) || header_bytes != header.bytes()) {
    return DamagedHeader();
  }
  return header;
}

size_t BeginLogRecord(const LogFrame& frame, uint32_t version, std::string* out) {
  const size_t frame_at = out->size();
  ByteWriter writer(out);
  writer.Fixed(RecordMagic(version));
  writer.Fixed(frame.body_bytes);
  writer.Fixed(frame.position);
  writer.Fixed(static_cast<uint32_t>(frame.position - frame.group_start));
  writer.Fixed(uint32_t{0});
  out->resize(out->size() + frame.body_bytes, '\0');
  return frame_at;
}

void FinishLogRecord(size_t frame_at, std::string* out) {
  const std::string_view record = std::string_view(*out).substr(frame_at);
  const uint32_t crc =
      Masked(Crc32c(record.substr(kLogFrameBytes), Crc32c(record.substr(0, kCrcAt))));
  for (size_t i = 0; i < kCrcBytes; ++i) {
    (*out)[frame_at + kCrcAt + i] = static_cast<char>(crc >> (8 * i));
  }
}

std::optional<LogFrame> DecodeLogFrame(std::string_view bytes, uint64_t position,
                                       uint32_t version) {
  ByteReader reader(bytes);
  if (reader.Fixed<std::array<char, 4>>() != RecordMagic(version)) {
    return std::nullopt;
  }
  const size_t overhead = version == 1 ? 0 : kLogBodyOverheadBytes;
  LogFrame frame;
  frame.body_bytes = reader.Fixed<uint32_t>();
  frame.position = reader.Fixed<uint64_t>();
  const auto in_group = reader.Fixed<uint32_t>();
  frame.masked_crc = reader.Fixed<uint32_t>();
  if (!reader.ok() || frame.position != position || in_group >= position ||
      frame.body_bytes <= overhead || frame.body_bytes > limits::kMaxLogRecordBytes + overhead) {
    return std::nullopt;
  }
  frame.group_start = position - in_group;
  return frame;
}

bool LogRecordIsWhole(const LogFrame& frame, std::string_view bytes) {
  if (bytes.size() < kLogFrameBytes + frame.body_bytes) {
    return false;
  }
  const uint32_t crc = Crc32c(bytes.substr(0, kCrcAt));
  return Masked(Crc32c(bytes.substr(kLogFrameBytes, frame.body_bytes), crc)) == frame.masked_crc;
}

}  // namespace bulkhead
