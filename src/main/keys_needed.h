// Whether a running server's data still needs an old key of the vault: what the files do not tell
// from outside (main/key_use.h tells the rest).
#pragma once

#include <string>
#include <string_view>

#include "main/board_health.h"
#include "main/vault_client.h"

namespace bulkhead {

// `purpose` as crypto/key_bundle.h names it. "ok yes", "ok no", or "error ..." where nobody can
// tell.
std::string AnswerKeysNeeded(std::string_view purpose, const Boards& boards, VaultClient* vault);

}  // namespace bulkhead
