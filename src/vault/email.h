// The one spelling of an e-mail address that the blind index is made of.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bulkhead {

// Without surrounding white space, ASCII letters small. Nothing where the text is not one address
// as a whole. Dots and
// "+tags" of the local part stay: only its own provider knows what they mean.
std::optional<std::string> NormaliseEmail(std::string_view text);

}  // namespace bulkhead
