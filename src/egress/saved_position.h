// A position as the small file that remembers it holds it: eight bytes and a checksum. Inside
// egress/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bulkhead {

std::string EncodePosition(uint64_t position);
std::optional<uint64_t> DecodePosition(std::string_view bytes);  // nothing: damaged

}  // namespace bulkhead
