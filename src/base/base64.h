// Base64 as RFC 4648 has it, and as it really arrives.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bulkhead {

std::string Base64Encode(std::string_view bytes);

// Takes both alphabets, padding or none, and a space where form decoding made one of a '+'.
// nullopt: another character, or a length that no encoder gives.
std::optional<std::string> Base64DecodeLenient(std::string_view text);

}  // namespace bulkhead
