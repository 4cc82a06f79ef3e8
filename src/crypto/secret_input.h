// Secrets that come from outside, read straight into memory for secrets.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "crypto/crypto.h"

namespace bulkhead {

inline constexpr size_t kMaxSecretInputBytes = 256;  // root keys and shares as text are shorter

// To its end, then closes it. kInvalid: more than kMaxSecretInputBytes.
Result<SecretBytes> ReadSecretDescriptor(int descriptor);

// kNotFound, kDenied where other users can read it (`group_may` lets the group), else as above.
Result<SecretBytes> ReadSecretFile(const std::string& path, bool group_may = false);

}  // namespace bulkhead
