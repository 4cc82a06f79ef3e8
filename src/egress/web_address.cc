#include "egress/web_address.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <charconv>

namespace bulkhead {
namespace {

namespace ip = boost::asio::ip;

Error NoAddress() { return {ErrorCode::kInvalid, "no web address: https://HOST/PATH expected"}; }

template <typename Network, typename Address>
bool Holds(const Network& network, const Address& address) {
  return Network(address, network.prefix_length()).canonical() == network.canonical();
}

bool IsInternal4(const ip::address_v4& address) {
  static const std::array kInternal = {
      ip::make_network_v4("0.0.0.0/8"),       ip::make_network_v4("10.0.0.0/8"),
      ip::make_network_v4("100.64.0.0/10"),   ip::make_network_v4("127.0.0.0/8"),
      ip::make_network_v4("169.254.0.0/16"),  ip::make_network_v4("172.16.0.0/12"),
      ip::make_network_v4("192.0.0.0/24"),    ip::make_network_v4("192.0.2.0/24"),
      ip::make_network_v4("192.168.0.0/16"),  ip::make_network_v4("198.18.0.0/15"),
      ip::make_network_v4("198.51.100.0/24"), ip::make_network_v4("203.0.113.0/24"),
      ip::make_network_v4("224.0.0.0/3")};
  return std::ranges::any_of(kInternal, [&](const auto& net) { return Holds(net, address); });
}

bool IsInternal6(const ip::address_v6& address) {
  if (address.is_v4_mapped()) return IsInternal4(ip::make_address_v4(ip::v4_mapped, address));
  // Only 2000::/3 is given out; of that some is for documents or wraps other addresses (Teredo,
  // 6to4).
  static const std::array kInternal = {
      ip::make_network_v6("2001::/23"), ip::make_network_v6("2001:db8::/32"),
      ip::make_network_v6("2002::/16"), ip::make_network_v6("3fff::/20")};
  return !Holds(ip::make_network_v6("2000::/3"), address) ||
         std::ranges::any_of(kInternal, [&](const auto& net) { return Holds(net, address); });
}

bool TakePort(std::string_view text, uint16_t* port) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), *port);
  return code == std::errc() && end == text.data() + text.size() && *port != 0;
}

}  // namespace

Result<WebAddress> ParseWebAddress(std::string_view url) {
  WebAddress address;
  if (url.starts_with("https://")) {
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    url.remove_prefix(7);
    address.tls = false;
    address.port = 80;
  } else {
    return NoAddress();
  }
  const bool printable = std::ranges::all_of(url, [](char c) { return c > ' ' && c < '\x7f'; });
  if (!printable || url.find_first_of("@#\\\"<>") != std::string_view::npos) return NoAddress();
  const size_t path = std::min(url.find_first_of("/?"), url.size());
  std::string_view authority = url.substr(0, path);
  address.target = url.substr(path);
  if (!address.target.starts_with('/')) address.target.insert(0, 1, '/');
  const size_t host_end = authority.starts_with('[') ? authority.find(']') : authority.find(':');
  if (authority.starts_with('[')) {
    if (host_end == std::string_view::npos) return NoAddress();
    address.host = authority.substr(1, host_end - 1);
    authority.remove_prefix(host_end + 1);
  } else {
    address.host = authority.substr(0, host_end);
    authority.remove_prefix(address.host.size());
  }
  const bool port_is_right = authority.empty() || (authority.starts_with(':') &&
                                                   TakePort(authority.substr(1), &address.port));
  if (address.host.empty() || !port_is_right) return NoAddress();
  return address;
}

bool IsInternalAddress(std::string_view address) {
  boost::system::error_code code;
  const ip::address parsed = ip::make_address(address, code);
  if (code) return true;
  return parsed.is_v4() ? IsInternal4(parsed.to_v4()) : IsInternal6(parsed.to_v6());
}

bool MayReach(std::string_view address, const std::vector<std::string>& allowed_internal) {
  if (!IsInternalAddress(address)) return true;
  boost::system::error_code code;
  const ip::address wanted = ip::make_address(address, code);
  return !code && std::ranges::any_of(allowed_internal, [&](const std::string& text) {
    boost::system::error_code other;
    const ip::address allowed = ip::make_address(text, other);
    return !other && allowed == wanted;
  });
}

}  // namespace bulkhead
