// Codes by which the recipient of a notice can tell that it is ours: derived from a key, the
// incident and the address, so that nothing is kept and nobody without the key can make one. Four
// groups of four characters of Crockford's base32: fifteen from HMAC-SHA256 (75 bits), the last a
// checksum that finds every single wrong character and every two exchanged ones. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crypto/crypto.h"

namespace bulkhead {

class NoticeCodes {
 public:
  explicit NoticeCodes(const SecretBytes& key32) : hash_(key32) {}

  // `address`: in its one spelling (vault/email.h). "ABCD-EFGH-JKMN-PQRS".
  [[nodiscard]] std::string Of(std::string_view incident, std::string_view address) const;

  // Whether this is the code of that address. A wrong code, one that is no code, and an address
  // that was never told answer alike, in the same time. `code` as people type it: small letters, O
  // for 0, I and L for 1, with or without hyphens and spaces.
  [[nodiscard]] bool Verify(std::string_view code, std::string_view incident,
                            std::string_view address) const;

 private:
  KeyedHash hash_;
};

// Whether a person has mistyped it, which a page may say at once, since it needs no key.
bool HasGoodChecksum(std::string_view code);

// Its one spelling; nothing where it has other characters or another length. Safe on arbitrary
// bytes.
std::optional<std::string> NormaliseNoticeCode(std::string_view code);

}  // namespace bulkhead
