#include "model/ids.h"

#include "base/hex.h"

namespace bulkhead {

std::string SubjectId::ToHex() const { return HexEncode(bytes); }

std::optional<SubjectId> SubjectId::FromHex(std::string_view hex) {
  SubjectId id;
  if (hex.size() != id.bytes.size() * 2) {
    return std::nullopt;
  }
  const std::optional<std::string> decoded = HexDecode(hex);
  if (!decoded) {
    return std::nullopt;
  }
  std::memcpy(id.bytes.data(), decoded->data(), id.bytes.size());
  return id;
}

}  // namespace bulkhead
