// Hexadecimal text.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bulkhead {

std::string HexEncode(std::span<const uint8_t> bytes);  // lower case
std::optional<std::string> HexDecode(
    std::string_view text);  // either case; nullopt where not hexadecimal

}  // namespace bulkhead
