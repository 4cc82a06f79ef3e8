#include "http/client_address.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <optional>

namespace bulkhead {
namespace {

namespace ip = boost::asio::ip;

std::string Canonical(const ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return ip::make_address_v4(ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

std::optional<std::string> ParseAddress(std::string_view text) {
  boost::system::error_code ec;
  const ip::address address = ip::make_address(std::string(text), ec);
  if (ec) {
    return std::nullopt;
  }
  return Canonical(address);
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace

Result<TrustedProxies> TrustedProxies::Parse(const std::vector<std::string>& addresses) {
  TrustedProxies proxies;
  for (const std::string& text : addresses) {
    std::optional<std::string> address = ParseAddress(text);
    if (!address) {
      return Error{ErrorCode::kInvalid, "trusted proxy is not an IP address"};
    }
    proxies.addresses_.push_back(std::move(*address));
  }
  return proxies;
}

bool TrustedProxies::Contains(const std::string& address) const {
  return std::find(addresses_.begin(), addresses_.end(), address) != addresses_.end();
}

std::string TrustedProxies::ClientIp(const std::string& peer,
                                     std::string_view forwarded_for) const {
  std::string client = ParseAddress(peer).value_or(peer);
  while (Contains(client) && !forwarded_for.empty()) {
    const size_t comma = forwarded_for.rfind(',');
    const std::string_view last =
        comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1);
    forwarded_for =
        comma == std::string_view::npos ? std::string_view{} : forwarded_for.substr(0, comma);
    std::optional<std::string> address = ParseAddress(Trim(last));
    if (!address) {
      break;
    }
    client = std::move(*address);
  }
  return client;
}

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const Error wrong{ErrorCode::kInvalid, "listen address must be ADDR:PORT"};
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return wrong;
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  ListenAddress listen;
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), listen.port);
  if (ec != std::errc{} || end != port.data() + port.size()) {
    return wrong;
  }
  std::string name(host);
  if (name == "localhost") {
    name = "127.0.0.1";
  } else if (name.empty()) {
    name = "0.0.0.0";
  }
  boost::system::error_code parse_error;
  const ip::address address = ip::make_address(name, parse_error);
  if (parse_error) {
    return wrong;
  }
  listen.address = address.to_string();
  listen.loopback = address.is_loopback();
  return listen;
}

}  // namespace bulkhead
