// A credential that an operator gives a command on its standard input.
#pragma once

#include <string>

#include "base/result.h"

namespace bulkhead {

// To its end, without the line's end; may be empty. To be wiped. kInvalid: longer than 4096 bytes.
Result<std::string> ReadCredential();

}  // namespace bulkhead
