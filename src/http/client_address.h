// Who the client is: the peer, or what a trusted proxy says in X-Forwarded-For.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulkhead {

class TrustedProxies {
 public:
  // Addresses (IPv4, IPv6); another text is an error.
  static Result<TrustedProxies> Parse(const std::vector<std::string>& addresses);

  // From the right, the first address of `forwarded_for` that is no trusted proxy; the peer where
  // the peer is not trusted or nothing usable is there. An IPv4 address in its IPv6 form is given
  // as IPv4.
  [[nodiscard]] std::string ClientIp(const std::string& peer, std::string_view forwarded_for) const;

 private:
  [[nodiscard]] bool Contains(const std::string& address) const;
  std::vector<std::string> addresses_;  // in canonical text
};

struct ListenAddress {
  std::string address;
  uint16_t port = 0;
  bool loopback = false;
};

// "127.0.0.1:8787", "[::1]:8787", "localhost:8787" (as 127.0.0.1) or ":8787" (as 0.0.0.0).
Result<ListenAddress> ParseListenAddress(std::string_view text);

}  // namespace bulkhead
