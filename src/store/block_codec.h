// How a column's numbers lie in a segment file, kBlockRows rows at a time
// (docs/formats/segment.md). Decoding is safe on any bytes: false when they are malformed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace bulkhead {

inline constexpr uint32_t kBlockRows = 65536;

// --- Codes
// -----------------------------------------------------------------------------------------
// `events` are the event codes of the same rows (below 2^16 where they help; may be empty): a
// property often is present on all rows of some events and on no other.
void EncodeCodes(std::span<const uint32_t> codes, std::span<const uint32_t> events,
                 std::string* out);

// Writes codes.size() codes; `largest` is the greatest that may occur. `events` as when encoding.
bool DecodeCodes(std::string_view block, std::span<const uint32_t> events, uint32_t largest,
                 std::span<uint32_t> codes);

// --- Times
// ----------------------------------------------------------------------------------------- Offsets
// as 64 bit; differences are modulo 2^64, or modulo 2^32 for narrow columns.
void EncodeTimes(std::span<const uint64_t> times, bool narrow, std::string* out);
bool DecodeTimes(std::string_view block, bool narrow, std::span<uint64_t> times);

// --- Bytes
// ----------------------------------------------------------------------------------------- zstd
// where that is smaller: varint raw size, u8 compressed?, bytes.
void EncodeBytes(std::string_view bytes, int level, std::string* out);
bool DecodeBytes(std::string_view block, size_t max_size, std::string* out);

}  // namespace bulkhead
