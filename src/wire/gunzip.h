// gzip (RFC 1952) to bytes, bounded. Several members in a row are one text, as the format allows;
// zeros behind the last are padding.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bulkhead {

// kLimit: more than `max_bytes` would come out; never more than that is held. kInvalid: not gzip,
// damaged or cut short.
Result<std::string> Gunzip(std::string_view compressed, size_t max_bytes);

}  // namespace bulkhead
