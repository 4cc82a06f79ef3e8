#include "egress/saved_position.h"

#include "base/byte_codec.h"
#include "base/crc32c.h"

namespace bulkhead {

std::string EncodePosition(uint64_t position) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Fixed(position);
  writer.Fixed(Crc32c(bytes));
  return bytes;
}

std::optional<uint64_t> DecodePosition(std::string_view bytes) {
  ByteReader in(bytes);
  const auto position = in.Fixed<uint64_t>();
  const auto sum = in.Fixed<uint32_t>();
  return in.ok() && in.AtEnd() && sum == Crc32c(bytes.substr(0, sizeof(position)))
             ? std::optional<uint64_t>(position)
             : std::nullopt;
}

}  // namespace bulkhead
