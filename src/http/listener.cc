#include "http/listener.h"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "http/connection.h"

namespace bulkhead {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

Result<std::unique_ptr<asio::ssl::context>> MakeTls(const ServerOptions& options) {
  auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* native = tls->native_handle();
  SSL_CTX_set_min_proto_version(native, options.allow_tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                  SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                  SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
    return Error{ErrorCode::kBug, "the TLS 1.2 cipher list is not usable"};
  }
  error_code ec;
  if (tls->use_certificate_chain(asio::buffer(options.tls_certificate), ec)) {
    return Error{ErrorCode::kInvalid, "the TLS certificate cannot be used: " + ec.message()};
  }
  if (tls->use_private_key(asio::buffer(options.tls_key), asio::ssl::context::pem, ec)) {
    return Error{ErrorCode::kInvalid, "the TLS key cannot be used: " + ec.message()};
  }
  if (SSL_CTX_check_private_key(native) != 1) {
    return Error{ErrorCode::kInvalid, "the TLS key does not belong to the certificate"};
  }
  return tls;
}

}  // namespace

class Listener::Impl {
 public:
  static Result<std::unique_ptr<Impl>> Start(ServerOptions options, const HandlerMaker& maker);
  ~Impl() { Stop(); }

  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] const HttpMetrics& metrics() const { return shared_->metrics; }
  void Adopt(Descriptor connection);
  void Stop();

 private:
  explicit Impl(ServerOptions options) : shared_(std::make_shared<ConnectionShared>()) {
    shared_->options = std::move(options);
  }
  Result<void> Listen(const ListenAddress& address);
  Result<void> ListenAnew(const ListenAddress& address);
  Result<void> ListenOn(int inherited, const ListenAddress& address);
  void AcceptNext();
  bool Take(const std::shared_ptr<Connection>& connection);
  void OnAccepted(error_code ec, tcp::socket socket, const std::shared_ptr<IoLoop>& loop);

  std::shared_ptr<ConnectionShared> shared_;
  std::unique_ptr<asio::ssl::context> tls_;  // null: plain HTTP
  std::vector<std::shared_ptr<IoLoop>> loops_;
  std::unique_ptr<tcp::acceptor> acceptor_;  // on loops_[0]; touched there only once it accepts
  std::unique_ptr<asio::steady_timer> retry_;
  std::atomic<size_t> next_loop_{0};
  uint16_t port_ = 0;
  bool accepting_ = true;  // on loops_[0]
  std::once_flag stopped_;
};

Result<std::unique_ptr<Listener::Impl>> Listener::Impl::Start(ServerOptions options,
                                                              const HandlerMaker& maker) {
  const bool with_tls = !options.tls_certificate.empty() || !options.tls_key.empty();
  Result<ListenAddress> address = ParseListenAddress(options.listen);
  if (!address) {
    return std::move(address).error();
  }
  if (!with_tls && !address->loopback && !options.allow_plain_http && !options.adopt_only) {
    return Error{ErrorCode::kInvalid,
                 "without a TLS certificate only loopback addresses are listened on; give one, or "
                 "allow plain HTTP"};
  }
  Result<TrustedProxies> proxies = TrustedProxies::Parse(options.trusted_proxies);
  if (!proxies) {
    return std::move(proxies).error();
  }
  std::unique_ptr<Impl> impl(new Impl(std::move(options)));
  ConnectionShared& shared = *impl->shared_;
  if (with_tls) {
    Result<std::unique_ptr<asio::ssl::context>> tls = MakeTls(shared.options);
    if (!tls) {
      return std::move(tls).error();
    }
    impl->tls_ = std::move(*tls);
  }
  shared.proxies = std::move(*proxies);
  shared.budget.max = shared.options.max_buffered_bytes;
  shared.pool =
      std::make_unique<WorkPool>(shared.options.query_threads, shared.options.max_queued_queries);
  shared.handler = maker(&shared.metrics, shared.pool.get());
  for (int i = 0; i < std::max(1, shared.options.io_threads); ++i) {
    impl->loops_.push_back(std::make_shared<IoLoop>());
  }
  if (!shared.options.adopt_only) {
    if (Result<void> listening = impl->Listen(*address); !listening) {
      return listening.error();
    }
  }
  return impl;
}

Result<void> Listener::Impl::Listen(const ListenAddress& address) {
  acceptor_ = std::make_unique<tcp::acceptor>(loops_[0]->context());
  retry_ = std::make_unique<asio::steady_timer>(loops_[0]->context());
  const int inherited = shared_->options.inherited_socket;
  if (Result<void> listening = inherited >= 0 ? ListenOn(inherited, address) : ListenAnew(address);
      !listening) {
    return listening;
  }
  loops_[0]->Post([this] { AcceptNext(); });
  return {};
}

Result<void> Listener::Impl::ListenOn(int inherited, const ListenAddress& address) {
  error_code ec;
  const auto protocol = asio::ip::make_address(address.address, ec).is_v6() ? tcp::v6() : tcp::v4();
  Descriptor own(::fcntl(inherited, F_DUPFD_CLOEXEC, 0));
  if (!ec && own.valid()) {
    acceptor_->assign(protocol, own.Release(), ec);
    port_ = ec ? uint16_t{0} : acceptor_->local_endpoint(ec).port();
  }
  return ec || port_ == 0
             ? Result<void>(Error{ErrorCode::kUnavailable, "cannot listen on the socket given"})
             : Result<void>();
}

Result<void> Listener::Impl::ListenAnew(const ListenAddress& address) {
  error_code ec;
  const tcp::endpoint endpoint(asio::ip::make_address(address.address, ec), address.port);
  if (!ec) {
    acceptor_->open(endpoint.protocol(), ec);
  }
  if (!ec) {
    acceptor_->set_option(tcp::acceptor::reuse_address(true), ec);
  }
  if (!ec) {
    acceptor_->bind(endpoint, ec);
  }
  if (!ec) {
    acceptor_->listen(1024, ec);
  }
  if (!ec) {
    port_ = acceptor_->local_endpoint(ec).port();
  }
  if (ec) {
    return Error{ErrorCode::kUnavailable, "cannot listen: " + ec.message()};
  }
  return {};
}

void Listener::Impl::AcceptNext() {
  if (!accepting_) {
    return;
  }
  const std::shared_ptr<IoLoop> loop = loops_[next_loop_++ % loops_.size()];
  acceptor_->async_accept(loop->context(), [this, loop](error_code ec, tcp::socket socket) {
    OnAccepted(ec, std::move(socket), loop);
  });
}

void Listener::Impl::OnAccepted(error_code ec, tcp::socket socket,
                                const std::shared_ptr<IoLoop>& loop) {
  if (!accepting_) {
    return;
  }
  if (ec) {
    // Such as no descriptor left: pause, others may close theirs.
    retry_->expires_after(std::chrono::milliseconds(100));
    retry_->async_wait([this](error_code) { AcceptNext(); });
    return;
  }
  auto connection = tls_ ? MakeTlsConnection(std::move(socket), loop, shared_, *tls_)
                         : MakePlainConnection(std::move(socket), loop, shared_);
  Take(connection);
  AcceptNext();
}

bool Listener::Impl::Take(const std::shared_ptr<Connection>& connection) {
  if (!shared_->connections.Add(connection, shared_->options.max_connections)) {
    ++shared_->metrics.connections_refused;
    return false;
  }
  ++shared_->metrics.connections_accepted;
  ++shared_->metrics.connections_open;
  connection->Start();
  return true;
}

void Listener::Impl::Adopt(Descriptor connection) {
  const std::shared_ptr<IoLoop> loop = loops_[next_loop_++ % loops_.size()];
  asio::local::stream_protocol::socket socket(loop->context());
  error_code ec;
  socket.assign(asio::local::stream_protocol(), connection.get(), ec);
  if (!ec) {
    static_cast<void>(connection.Release());
    Take(MakeRelayedConnection(std::move(socket), loop, shared_));
  }
}

void Listener::Impl::Stop() {
  std::call_once(stopped_, [this] {
    if (acceptor_) {
      loops_[0]->Post([this] {
        accepting_ = false;
        error_code ec;
        acceptor_->close(ec);
        retry_->cancel();
      });
    }
    shared_->connections.DrainAll();
    if (!shared_->connections.WaitEmpty(shared_->options.drain_timeout_ms)) {
      shared_->connections.AbortAll();
      (void)shared_->connections.WaitEmpty(1000);
    }
    if (shared_->handler) {
      shared_->handler->Stop();
    }
    if (shared_->pool) {
      shared_->pool->Stop();
    }
    for (const auto& loop : loops_) {
      loop->Finish();
    }
  });
}

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;

Result<std::unique_ptr<Listener>> Listener::Start(ServerOptions options,
                                                  const HandlerMaker& maker) {
  Result<std::unique_ptr<Impl>> impl = Impl::Start(std::move(options), maker);
  if (!impl) {
    return std::move(impl).error();
  }
  return std::unique_ptr<Listener>(new Listener(std::move(*impl)));
}

uint16_t Listener::port() const { return impl_->port(); }
const HttpMetrics& Listener::metrics() const { return impl_->metrics(); }
void Listener::Adopt(Descriptor connection) { impl_->Adopt(std::move(connection)); }
void Listener::Stop() { impl_->Stop(); }

}  // namespace bulkhead
