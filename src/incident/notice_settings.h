// How notices are sent: DIR/policy/notice.toml, which docs/notices.md describes. Pure; safe on
// arbitrary bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "egress/smtp_client.h"

namespace bulkhead {

inline constexpr size_t kMaxNoticeSettingsBytes = 64UL * 1024;

struct NoticeSettings {
  std::string from;        // an address
  std::string from_name;   // may be empty
  std::string check_page;  // as people type it: "example.com/notice"

  std::string dkim_domain;
  std::string rsa_selector, ed25519_selector;
  uint32_t dkim_key = 0;  // the number of the keys; 0: the newest

  std::string relay_host;
  uint16_t relay_port = 587;
  SmtpTls relay_tls = SmtpTls::kStartTls;
  std::string relay_user;         // empty: no sign-in
  std::string relay_authorities;  // a file's name, beside the settings; empty: the system's
  std::vector<std::string> allow_addresses;
  int mails_per_second = 5;
};

// kInvalid: every mistake, one per line, as "FILE:LINE: KEY: what is wrong". `file` is the name
// that they begin with.
Result<NoticeSettings> ParseNoticeSettings(std::string_view toml, std::string_view file);

}  // namespace bulkhead
