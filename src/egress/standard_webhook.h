// Webhooks as https://www.standardwebhooks.com has them, so that receivers verify them with a
// library they have. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/crypto.h"

namespace bulkhead {

// The id of what `content` stands for: the same at every attempt, so that a receiver that took it
// twice knows.
std::string WebhookId(std::string_view content);

// webhook-id, webhook-timestamp and webhook-signature (HMAC-SHA256 over id, time and body).
// Receivers refuse a time that is minutes off: to be made right before the sending.
std::vector<std::pair<std::string, std::string>> WebhookHeaders(const SecretBytes& secret,
                                                                const std::string& id,
                                                                int64_t now_ms,
                                                                std::string_view body);

// A signing secret as receivers' libraries take it: "whsec_" and base64. Nothing where it is not
// that, or not of kKeyBytes.
std::string WebhookSecretText(const SecretBytes& secret);
std::optional<SecretBytes> ParseWebhookSecret(std::string_view text);

}  // namespace bulkhead
