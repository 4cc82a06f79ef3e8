// What core is asked by the operator's commands: to erase a person everywhere.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vault/vault_messages.h"

namespace bulkhead {

inline constexpr uint8_t kCoreErase = 1;  // body: an EraseCall as a vault message; answers JSON

}  // namespace bulkhead
