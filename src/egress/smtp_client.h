// Mails to one relay over SMTP (RFC 5321), by libcurl, one at a time over a connection that is kept
// while mails follow one another. The relay's name is looked up once for each connection and the
// address judged (egress/outbound_address.h); certificates are checked; plain text goes only to an
// address inside that is named as allowed. Blocking, bounded in time. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/crypto.h"

namespace bulkhead {

enum class SmtpTls : unsigned char { kStartTls = 1, kImplicit, kNone };

struct SmtpRelay {
  std::string host;
  uint16_t port = 587;
  SmtpTls tls = SmtpTls::kStartTls;
  std::string user;                           // empty: no sign-in
  const SecretBytes* password = nullptr;      // with a user; outlives the client
  std::vector<std::string> allowed_internal;  // addresses that may be reached although internal
  std::string authorities_file;               // PEM; empty: the system's
  std::string own_name;                       // what is said at EHLO
  std::chrono::seconds timeout{60};           // of one mail
};

struct SmtpMail {
  std::string from, to;   // addresses
  std::string_view text;  // lines end in "\r\n"; dots are doubled here
};

enum class SmtpFate : unsigned char {
  kTaken = 1,  // the relay has said so
  kLater,      // not now, of this recipient: 4xx
  kRefused,    // never, of this recipient: 5xx
  kNoRelay,    // it cannot be reached, refuses us, or hung up: whether it has the mail is not known
};

struct SmtpOutcome {
  SmtpFate fate = SmtpFate::kNoRelay;
  int code = 0;     // the relay's last reply; 0: none
  std::string why;  // of ours alone: a relay's words may hold the address
};

class SmtpClient {
 public:
  virtual ~SmtpClient() = default;
  virtual SmtpOutcome Send(const SmtpMail& mail) = 0;
};

// Connects at the first mail. kInvalid: plain text with a sign-in.
Result<std::unique_ptr<SmtpClient>> MakeSmtpClient(SmtpRelay relay);

// What a reply means: `verb` is the command that it answers, as far as it came. Pure.
SmtpFate JudgeReply(std::string_view verb, int code);

}  // namespace bulkhead
