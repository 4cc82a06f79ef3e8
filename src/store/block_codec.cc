#include "store/block_codec.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <vector>

#include "base/byte_codec.h"
#include "store/bit_packing.h"

namespace bulkhead {
namespace {

enum Presence : uint8_t { kAllRows = 0, kByEvent = 1, kByRow = 2 };
enum Form : uint8_t { kConstant = 0, kPacked = 1, kRuns = 2, kPlanes = 3 };

constexpr int kColumnLevel = 3;
constexpr size_t kMaxEventBits = 65536;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

std::string Compress(std::string_view bytes, int level) {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size =
      ZSTD_compressCCtx(context.get(), out.data(), out.size(), bytes.data(), bytes.size(), level);
  out.resize(ZSTD_isError(size) != 0 ? 0 : size);
  return out;
}

bool Decompress(std::string_view bytes, std::string* out) {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  const size_t size =
      ZSTD_decompressDCtx(context.get(), out->data(), out->size(), bytes.data(), bytes.size());
  return ZSTD_isError(size) == 0 && size == out->size();
}

uint32_t Largest(std::span<const uint32_t> codes) {
  uint32_t all = 0;
  for (const uint32_t code : codes) {
    all = std::max(all, code);
  }
  return all;
}

// One byte of every code after the other: like bytes lie together.
std::string Planes(std::span<const uint32_t> codes, int bytes_per_code) {
  std::string planes(codes.size() * static_cast<size_t>(bytes_per_code), '\0');
  size_t at = 0;
  for (int plane = 0; plane < bytes_per_code; ++plane) {
    for (const uint32_t code : codes) {
      planes[at++] = static_cast<char>(code >> (8 * plane));
    }
  }
  return planes;
}

void AppendRuns(std::span<const uint32_t> codes, std::string* out) {
  std::vector<uint32_t> values;
  std::vector<uint32_t> lengths;
  for (size_t i = 0; i < codes.size(); ++i) {
    if (i == 0 || codes[i] != codes[i - 1]) {
      values.push_back(codes[i]);
      lengths.push_back(0);  // one less than the length
    } else {
      ++lengths.back();
    }
  }
  ByteWriter writer(out);
  writer.Byte(kRuns);
  writer.Varint(values.size());
  std::string body;
  for (const std::vector<uint32_t>* part : {&values, &lengths}) {
    const auto width = static_cast<int>(std::bit_width(Largest(*part)));
    body.push_back(static_cast<char>(width));
    PackBits(*part, width, &body);
  }
  EncodeBytes(body, kColumnLevel, out);
}

// The codes that are present, in the smallest form.
void AppendForm(std::span<const uint32_t> codes, std::string* out) {
  ByteWriter writer(out);
  size_t runs = codes.empty() ? 0 : 1;
  for (size_t i = 1; i < codes.size(); ++i) {
    runs += codes[i] != codes[i - 1] ? 1 : 0;
  }
  if (runs <= 1) {
    writer.Byte(kConstant);
    writer.Varint(codes.empty() ? 0 : codes[0]);
    return;
  }
  if (runs * 4 <= codes.size()) {
    AppendRuns(codes, out);
    return;
  }
  const auto width = static_cast<int>(std::bit_width(Largest(codes)));
  const size_t packed_size = PackedBytes(codes.size(), width);
  const std::string planes = Compress(Planes(codes, (width + 7) / 8), kColumnLevel);
  if (!planes.empty() && planes.size() < packed_size - packed_size / 32) {
    writer.Byte(kPlanes);
    writer.Byte(static_cast<uint8_t>((width + 7) / 8));
    writer.Raw(planes);
    return;
  }
  writer.Byte(kPacked);
  writer.Byte(static_cast<uint8_t>(width));
  PackBits(codes, width, out);
}

// True when each event has the property on all of its rows or on none; *present says which.
bool PresenceByEvent(std::span<const uint32_t> codes, std::span<const uint32_t> events,
                     std::vector<uint8_t>* present) {
  if (events.size() != codes.size() || Largest(events) >= kMaxEventBits) {
    return false;
  }
  std::vector<uint8_t> seen(Largest(events) + 1);  // bit 0: absent somewhere, bit 1: present
  for (size_t i = 0; i < codes.size(); ++i) {
    uint8_t& flags = seen[events[i]];
    flags = static_cast<uint8_t>(flags | (codes[i] != 0 ? 2U : 1U));
  }
  present->assign(seen.size(), 0);
  for (size_t event = 0; event < seen.size(); ++event) {
    if (seen[event] == 3) {
      return false;
    }
    (*present)[event] = seen[event] == 2 ? 1 : 0;
  }
  return true;
}

std::string BitsOf(size_t count, auto&& bit) {
  std::string bits((count + 7) / 8, '\0');
  for (size_t i = 0; i < count; ++i) {
    if (bit(i)) {
      bits[i / 8] = static_cast<char>(static_cast<uint8_t>(bits[i / 8]) | (1U << (i % 8)));
    }
  }
  return bits;
}

bool BitAt(std::string_view bits, size_t i) {
  return i / 8 < bits.size() && ((static_cast<uint8_t>(bits[i / 8]) >> (i % 8)) & 1U) != 0;
}

bool ReadRuns(ByteReader* reader, std::span<uint32_t> codes) {
  const uint64_t runs = reader->Varint();
  std::string body;
  if (!reader->ok() || runs > codes.size() ||
      !DecodeBytes(reader->Raw(reader->remaining()), 2 + 8 * kBlockRows + 16, &body)) {
    return false;
  }
  std::vector<uint32_t> values(runs);
  std::vector<uint32_t> lengths(runs);
  ByteReader parts(body);
  for (std::vector<uint32_t>* part : {&values, &lengths}) {
    const int width = parts.Byte();
    if (width > 32 ||
        !UnpackBits(parts.Raw(PackedBytes(runs, std::min(width, 32))), width, *part)) {
      return false;
    }
  }
  size_t at = 0;
  for (size_t i = 0; i < runs; ++i) {
    const size_t length = static_cast<size_t>(lengths[i]) + 1;
    if (length > codes.size() - at) {
      return false;
    }
    std::fill_n(codes.begin() + static_cast<ptrdiff_t>(at), length, values[i]);
    at += length;
  }
  return parts.ok() && at == codes.size();
}

bool ReadPlanes(ByteReader* reader, std::span<uint32_t> codes) {
  const int bytes_per_code = reader->Byte();
  if (!reader->ok() || bytes_per_code < 1 || bytes_per_code > 4) {
    return false;
  }
  std::string planes(codes.size() * static_cast<size_t>(bytes_per_code), '\0');
  if (!Decompress(reader->Raw(reader->remaining()), &planes)) {
    return false;
  }
  const char* plane = planes.data();
  for (int i = 0; i < bytes_per_code; ++i, plane += codes.size()) {
    for (size_t row = 0; row < codes.size(); ++row) {
      const uint32_t byte = static_cast<uint8_t>(plane[row]);
      codes[row] = i == 0 ? byte : codes[row] | (byte << (8 * i));
    }
  }
  return true;
}

bool ReadForm(ByteReader* reader, uint32_t largest, std::span<uint32_t> codes) {
  bool ok = false;
  switch (reader->Byte()) {
    case kConstant:
      std::fill(codes.begin(), codes.end(), static_cast<uint32_t>(reader->Varint()));
      ok = reader->ok();
      break;
    case kPacked: {
      const int width = reader->Byte();
      ok = reader->ok() && width <= 32 &&
           UnpackBits(reader->Raw(PackedBytes(codes.size(), width)), width, codes);
      break;
    }
    case kRuns:
      ok = ReadRuns(reader, codes);
      break;
    case kPlanes:
      ok = ReadPlanes(reader, codes);
      break;
    default:
      break;
  }
  return ok && reader->AtEnd() && (codes.empty() || Largest(codes) <= largest);
}

// Spreads the present codes over the rows for which `present(row)` holds.
bool ReadSparse(ByteReader* reader, uint32_t largest, std::span<uint32_t> codes, auto&& present) {
  std::vector<uint32_t> rows;
  for (uint32_t row = 0; row < codes.size(); ++row) {
    if (present(row)) {
      rows.push_back(row);
    }
  }
  std::vector<uint32_t> values(rows.size());
  if (!ReadForm(reader, largest, values)) {
    return false;
  }
  std::fill(codes.begin(), codes.end(), 0U);
  for (size_t i = 0; i < rows.size(); ++i) {
    codes[rows[i]] = values[i];
  }
  return true;
}

}  // namespace

void EncodeBytes(std::string_view bytes, int level, std::string* out) {
  ByteWriter writer(out);
  writer.Varint(bytes.size());
  const std::string compressed = bytes.size() < 32 ? std::string() : Compress(bytes, level);
  const bool use = !compressed.empty() && compressed.size() < bytes.size();
  writer.Byte(use ? 1 : 0);
  writer.Raw(use ? std::string_view(compressed) : bytes);
}

bool DecodeBytes(std::string_view block, size_t max_size, std::string* out) {
  ByteReader reader(block);
  const uint64_t size = reader.Varint();
  const uint8_t compressed = reader.Byte();
  if (!reader.ok() || size > max_size || compressed > 1) {
    return false;
  }
  const std::string_view rest = reader.Raw(reader.remaining());
  if (compressed == 0) {
    out->assign(rest);
    return rest.size() == size;
  }
  // What zstd made is never this much smaller: refuse before allocating.
  if (size > (rest.size() + 64) * 40000) {
    return false;
  }
  out->assign(size, '\0');
  return Decompress(rest, out);
}

void EncodeCodes(std::span<const uint32_t> codes, std::span<const uint32_t> events,
                 std::string* out) {
  ByteWriter writer(out);
  const bool sparse = std::find(codes.begin(), codes.end(), 0U) != codes.end();
  std::vector<uint32_t> values;
  for (const uint32_t code : codes) {
    if (sparse && code != 0) {
      values.push_back(code);
    }
  }
  if (!sparse || values.empty()) {
    writer.Byte(kAllRows);
    AppendForm(codes, out);
    return;
  }
  std::vector<uint8_t> by_event;
  if (PresenceByEvent(codes, events, &by_event)) {
    writer.Byte(kByEvent);
    writer.String(BitsOf(by_event.size(), [&](size_t i) { return by_event[i] != 0; }));
    AppendForm(values, out);
    return;
  }
  std::string by_row;
  EncodeBytes(BitsOf(codes.size(), [&](size_t i) { return codes[i] != 0; }), kColumnLevel, &by_row);
  writer.Byte(kByRow);
  writer.String(by_row);
  AppendForm(values, out);
}

bool DecodeCodes(std::string_view block, std::span<const uint32_t> events, uint32_t largest,
                 std::span<uint32_t> codes) {
  ByteReader reader(block);
  switch (reader.Byte()) {
    case kAllRows:
      return reader.ok() && ReadForm(&reader, largest, codes);
    case kByEvent: {
      const std::string_view bits = reader.String();
      if (!reader.ok() || events.size() != codes.size()) {
        return false;
      }
      std::array<uint8_t, 256> table{};  // the common case without bit arithmetic per row
      for (size_t i = 0; i < table.size(); ++i) {
        table[i] = BitAt(bits, i) ? 1 : 0;
      }
      return ReadSparse(&reader, largest, codes, [&](uint32_t row) {
        return events[row] < 256 ? table[events[row]] != 0 : BitAt(bits, events[row]);
      });
    }
    case kByRow: {
      std::string bits;
      if (!DecodeBytes(reader.String(), kBlockRows / 8, &bits) ||
          bits.size() != (codes.size() + 7) / 8) {
        return false;
      }
      return ReadSparse(&reader, largest, codes, [&](uint32_t row) { return BitAt(bits, row); });
    }
    default:
      return false;
  }
}

void EncodeTimes(std::span<const uint64_t> times, bool narrow, std::string* out) {
  std::string lengths;
  std::string bits;
  BitWriter writer(&bits);
  uint64_t last = 0;
  for (const uint64_t time : times) {
    const uint64_t delta = narrow ? static_cast<uint32_t>(time - last) : time - last;
    last = time;
    const auto length = static_cast<int>(std::bit_width(delta));
    lengths.push_back(static_cast<char>(length));
    if (length > 1) {
      writer.Write(delta & ((1ULL << (length - 1)) - 1), length - 1);
    }
  }
  writer.Finish();
  std::string packed;
  EncodeBytes(lengths, 1, &packed);
  ByteWriter(out).String(packed);
  out->append(bits);
}

bool DecodeTimes(std::string_view block, bool narrow, std::span<uint64_t> times) {
  ByteReader reader(block);
  std::string lengths;
  if (!DecodeBytes(reader.String(), kBlockRows, &lengths) || lengths.size() != times.size()) {
    return false;
  }
  const uint64_t modulus_mask = narrow ? UINT32_MAX : UINT64_MAX;
  const int longest = narrow ? 32 : 64;
  BitReader bits(reader.Raw(reader.remaining()));
  uint64_t last = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    const int length = static_cast<uint8_t>(lengths[i]);
    if (length > longest) {
      return false;
    }
    uint64_t delta = length == 0 ? 0 : 1ULL << (length - 1);
    if (length > 1) {
      delta |= bits.Read(length - 1);
    }
    last = (last + delta) & modulus_mask;
    times[i] = last;
  }
  return bits.ok();
}

}  // namespace bulkhead
