#include "egress/outbound_address.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "egress/web_address.h"

namespace bulkhead {

Result<std::vector<std::string>> FindAddresses(const std::string& host,
                                               const std::vector<std::string>& allowed_internal) {
  using boost::asio::ip::tcp;
  boost::asio::io_context io;
  boost::system::error_code code;
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(host, "", code);
  if (code) {
    return Error{ErrorCode::kUnavailable, "no answer from " + host + ": " + code.message()};
  }
  std::vector<std::string> addresses;
  for (const auto& entry : found) {
    std::string address = entry.endpoint().address().to_string();
    if (MayReach(address, allowed_internal)) addresses.push_back(std::move(address));
  }
  if (addresses.empty()) {
    return Error{ErrorCode::kDenied, host + " is an address inside, and not one that is allowed"};
  }
  return addresses;
}

}  // namespace bulkhead
