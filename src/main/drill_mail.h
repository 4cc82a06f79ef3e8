// A mail as a thief sends it, over SMTP (RFC 5321), to a server on this machine.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace bulkhead {

// kUnavailable: nothing listens at that loopback port, or it does not take the mail.
Result<void> SendPhishingMail(uint16_t port, const std::string& to);

}  // namespace bulkhead
