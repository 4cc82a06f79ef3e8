// The account under which this program's own commands ask a running server: made anew at every
// start, in memory alone, and given out over the control socket, which only the data directory's
// owner can reach. It has one secret for imports and one for queries, and intake and core know a
// hash of theirs: whoever owns intake sees what imports bring along, and can ask core nothing by
// it.
#pragma once

#include <string>
#include <string_view>

#include "crypto/crypto.h"

namespace bulkhead {

// User names are "operator." and the operating-system user who asked.
inline constexpr std::string_view kOperatorPrefix = "operator.";

class OperatorAccount {
 public:
  OperatorAccount() : secret_(RandomHex(kSecretBytes)) {}

  // "user:secret", as Basic authorization takes it.
  [[nodiscard]] std::string CredentialsFor(std::string_view actor) const {
    return std::string(kOperatorPrefix).append(actor).append(1, ':').append(secret_.view());
  }
  [[nodiscard]] std::string SecretHash() const { return HashOf(secret_.view()); }

  // SHA-256; slower hashes are for secrets that people choose.
  static std::string HashOf(std::string_view secret) {
    const auto digest = Sha256(secret);
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
  }

 private:
  static constexpr size_t kSecretBytes = 32;
  SecretBytes secret_;
};

}  // namespace bulkhead
