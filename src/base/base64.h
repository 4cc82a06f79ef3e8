// Base64 as RFC 4648 has it, and as it really arrives.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bulkhead {

std::string Base64Encode(std::string_view bytes);

// Only what Base64Encode gives: standard alphabet, full padding, unused bits zero.
std::optional<std::string> Base64DecodeStrict(std::string_view text);

// Takes both alphabets, padding or none, and a space where form decoding made one of a '+'.
// nullopt: another character, or a length that no encoder gives.
std::optional<std::string> Base64DecodeLenient(std::string_view text);

}  // namespace bulkhead
