#include "main/listen_socket.h"

#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "http/client_address.h"

namespace bulkhead {
namespace {

constexpr int kBindTries = 100;  // a compartment of a server that was killed may not be quite gone
constexpr std::chrono::milliseconds kBindPause{20};

bool Bind(int socket, const boost::asio::ip::tcp::endpoint& endpoint) {
  for (int i = 0;; ++i) {
    if (::bind(socket, endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0) {
      return true;
    }
    if (errno != EADDRINUSE || i == kBindTries) {
      return false;
    }
    std::this_thread::sleep_for(kBindPause);
  }
}

}  // namespace

Result<ListenSocket> MakeListenSocket(const std::string& listen, bool with_tls,
                                      bool allow_plain_http) {
  Result<ListenAddress> address = ParseListenAddress(listen);
  if (!address) {
    return address.error();
  }
  if (!with_tls && !address->loopback && !allow_plain_http) {
    return Error{ErrorCode::kInvalid,
                 "without a TLS certificate only loopback addresses are listened on; give one, or "
                 "allow plain HTTP"};
  }
  boost::system::error_code ec;
  boost::asio::ip::tcp::endpoint endpoint(boost::asio::ip::make_address(address->address, ec),
                                          address->port);
  if (ec) {
    return Error{ErrorCode::kInvalid, "listen address: " + ec.message()};
  }
  Descriptor socket(
      ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (!socket.valid() ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      !Bind(socket.get(), endpoint) || ::listen(socket.get(), 1024) != 0) {
    return Error{ErrorCode::kUnavailable, std::string("cannot listen: ") + std::strerror(errno)};
  }
  socklen_t size = static_cast<socklen_t>(endpoint.capacity());
  if (::getsockname(socket.get(), endpoint.data(), &size) != 0) {
    return Error{ErrorCode::kUnavailable, "cannot listen"};
  }
  return ListenSocket{std::move(socket), endpoint.port()};
}

}  // namespace bulkhead
