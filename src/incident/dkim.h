// DKIM signatures (RFC 6376, and RFC 8463 for Ed25519), relaxed for headers and body. They tell a
// receiving server that the domain sent the mail; they do not tell a person that a notice is real,
// for which there are codes (incident/notice_code.h). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/rsa_key.h"
#include "crypto/signature.h"
#include "incident/mail_message.h"

namespace bulkhead {

// At least one key; with both, the mail is signed twice, for receivers that know only RSA.
struct DkimSigner {
  std::string domain;                   // "example.com"
  std::string rsa_selector;             // the key is at SELECTOR._domainkey.DOMAIN
  std::string ed25519_selector;         // another one
  const RsaKey* rsa = nullptr;          // outlives the signer
  const SigningKey* ed25519 = nullptr;  // likewise
};

// The mail with the signatures in front. All headers that matter to a reader are signed, and that
// there are no more of them. kInvalid: no key, a domain or selector that is no name, no From, or a
// header that would break out of its line.
Result<MailMessage> SignMail(const DkimSigner& signer, const MailMessage& mail, int64_t time_s);

// A domain or selector: labels of small letters, digits and '-', with dots between.
bool IsDkimName(std::string_view name);

// What the DNS must have, as TXT, at SELECTOR._domainkey.DOMAIN.
Result<std::string> DkimRecord(const RsaKey& key);
std::string DkimRecord(const SigningKey& key);

// The relaxed canonical forms (RFC 6376, sections 3.4.2 and 3.4.4), without the last "\r\n" of a
// header. Safe on arbitrary bytes.
std::string RelaxedHeader(std::string_view name, std::string_view value);
std::string RelaxedBody(std::string_view body);

}  // namespace bulkhead
