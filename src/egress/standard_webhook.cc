#include "egress/standard_webhook.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/hex.h"

namespace bulkhead {
namespace {

constexpr std::string_view kSecretPrefix = "whsec_";

}  // namespace

std::string WebhookId(std::string_view content) {
  const std::array<uint8_t, 32> digest = Sha256(content);
  return "msg_" + HexEncode(std::span(digest).first<16>());
}

std::vector<std::pair<std::string, std::string>> WebhookHeaders(const SecretBytes& secret,
                                                                const std::string& id,
                                                                int64_t now_ms,
                                                                std::string_view body) {
  const std::string time = std::to_string(now_ms / 1000);
  std::array<uint8_t, 32> digest{};
  KeyedHash(secret).Digest256(fmt::format("{}.{}.{}", id, time, body), digest.data());
  const std::string_view bytes(reinterpret_cast<const char*>(digest.data()), digest.size());
  return {{"webhook-id", id},
          {"webhook-timestamp", time},
          {"webhook-signature", "v1," + Base64Encode(bytes)}};
}

std::string WebhookSecretText(const SecretBytes& secret) {
  return std::string(kSecretPrefix) + Base64Encode(secret.view());
}

std::optional<SecretBytes> ParseWebhookSecret(std::string_view text) {
  if (!text.starts_with(kSecretPrefix)) return std::nullopt;
  std::optional<std::string> bytes = Base64DecodeStrict(text.substr(kSecretPrefix.size()));
  if (!bytes || bytes->size() != kKeyBytes) return std::nullopt;
  SecretBytes secret(*bytes);
  Wipe(&*bytes);
  return secret;
}

}  // namespace bulkhead
