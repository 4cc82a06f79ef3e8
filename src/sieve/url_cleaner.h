// Addresses: scheme, host and cleaned path stay; user and password, most of the query and the
// fragment go.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sieve/text_cleaner.h"

namespace bulkhead {

// Cleans a decoded part of the address (a path segment, a query value) by its value; true if it
// changed.
using CleanPart = std::function<bool(std::string*)>;

// `url` is absolute, or a path, query or fragment alone. The answer equals `url` where nothing had
// to go.
std::string CleanUrl(std::string_view url, const CleanPart& clean_part, std::vector<TextHit>* hits);

}  // namespace bulkhead
