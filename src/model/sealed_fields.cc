#include "model/sealed_fields.h"

#include <algorithm>
#include <cstring>

#include "base/byte_codec.h"

namespace bulkhead {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kSmallestField = 16 + 1 + 1 + 1 + 1;  // subject, two empty strings, flags, time

}  // namespace

std::string EncodeSealedFields(std::span<const SealedField> fields) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Byte(kVersion);
  writer.Varint(fields.size());
  for (const SealedField& field : fields) {
    writer.Fixed(field.subject.bytes);
    writer.String(field.field);
    writer.String(field.value);
    writer.Byte(field.from_profile ? 1 : 0);
    writer.SignedVarint(field.time_ms);
  }
  return bytes;
}

Result<std::vector<SealedField>> DecodeSealedFields(std::string_view bytes) {
  const Error damaged{ErrorCode::kCorruption, "the list of sealed fields is damaged"};
  ByteReader reader(bytes);
  if (reader.Byte() != kVersion) {
    return damaged;
  }
  const size_t count = reader.Count();
  if (count > reader.remaining() / kSmallestField) {
    return damaged;
  }
  std::vector<SealedField> fields(count);
  for (SealedField& field : fields) {
    field.subject.bytes = reader.Fixed<std::array<uint8_t, 16>>();
    field.field = reader.String();
    field.value = reader.String();
    const uint8_t flags = reader.Byte();
    if (flags > 1) {
      return damaged;
    }
    field.from_profile = flags == 1;
    field.time_ms = reader.SignedVarint();
  }
  if (!reader.ok() || !reader.AtEnd()) {
    return damaged;
  }
  return fields;
}

}  // namespace bulkhead
