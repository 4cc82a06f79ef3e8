#include "main/witness_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <thread>
#include <utility>

namespace bulkhead {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr std::chrono::seconds kTimeout{10};
constexpr size_t kMaxConnections = 64;
constexpr uint32_t kMaxHeaderBytes = 8 * 1024;

// One connection: a request, its answer, the next one.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Witness* witness, std::shared_ptr<size_t> open)
      : stream_(std::move(socket)), witness_(*witness), open_(std::move(open)) {
    ++*open_;
  }
  ~Session() { --*open_; }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void Read() {
    parser_.emplace();
    parser_->body_limit(kMaxAddCheckpointBytes);
    parser_->header_limit(kMaxHeaderBytes);
    stream_.expires_after(kTimeout);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](const beast::error_code& code, size_t) {
                       if (!code) {
                         self->Reply();
                       } else if (code == http::error::body_limit) {
                         self->Send({413, "text/plain; charset=utf-8", "too large\n"}, false);
                       }
                     });
  }

 private:
  void Reply() {
    const auto& request = parser_->get();
    const bool keep_alive = request.keep_alive();
    if (request.target() != "/add-checkpoint") {
      Send({404, "text/plain; charset=utf-8", "no such path\n"}, keep_alive);
    } else if (request.method() != http::verb::post) {
      Send({405, "text/plain; charset=utf-8", "POST only\n"}, keep_alive);
    } else {
      Send(witness_.Answer(request.body()), keep_alive);
    }
  }

  void Send(const WitnessAnswer& answer, bool keep_alive) {
    reply_ = {};
    reply_.version(11);
    reply_.result(static_cast<unsigned>(answer.status));
    reply_.set(http::field::content_type, answer.content_type);
    reply_.keep_alive(keep_alive);
    reply_.body() = answer.body;
    reply_.prepare_payload();
    stream_.expires_after(kTimeout);
    http::async_write(
        stream_, reply_,
        [self = shared_from_this(), keep_alive](const beast::error_code& code, size_t) {
          if (!code && keep_alive) {
            self->Read();
          }
        });
  }

  beast::tcp_stream stream_;
  Witness& witness_;
  std::shared_ptr<size_t> open_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> reply_;
};

Result<tcp::endpoint> ParseEndpoint(const std::string& text) {
  const size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  uint16_t port = 0;
  const char* begin = text.data() + (colon == std::string::npos ? text.size() : colon + 1);
  const char* end = text.data() + text.size();
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  beast::error_code code;
  const asio::ip::address address = asio::ip::make_address(host, code);
  const auto [parsed, fault] = std::from_chars(begin, end, port);
  if (code || begin == end || parsed != end || fault != std::errc()) {
    return Error{ErrorCode::kInvalid, "--listen: expected ADDRESS:PORT"};
  }
  return tcp::endpoint(address, port);
}

}  // namespace

class WitnessServer::Impl {
 public:
  explicit Impl(Witness* witness) : witness_(*witness), acceptor_(io_) {}
  ~Impl() {
    io_.stop();
    if (thread_.joinable()) {
      thread_.join();
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> Listen(const tcp::endpoint& endpoint) {
    beast::error_code code;
    acceptor_.open(endpoint.protocol(), code);
    if (!code) acceptor_.set_option(tcp::acceptor::reuse_address(true), code);
    if (!code) acceptor_.bind(endpoint, code);
    if (!code) acceptor_.listen(asio::socket_base::max_listen_connections, code);
    if (code) {
      return Error{ErrorCode::kUnavailable, "cannot listen: " + code.message()};
    }
    Accept();
    thread_ = std::thread([this] { io_.run(); });
    return {};
  }
  [[nodiscard]] uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  void Accept() {
    acceptor_.async_accept([this](const beast::error_code& code, tcp::socket socket) {
      if (code == asio::error::operation_aborted) {
        return;
      }
      if (!code && *open_ < kMaxConnections) {
        std::make_shared<Session>(std::move(socket), &witness_, open_)->Read();
      }
      Accept();
    });
  }

  Witness& witness_;
  std::shared_ptr<size_t> open_ = std::make_shared<size_t>(0);
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  std::thread thread_;
};

WitnessServer::WitnessServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WitnessServer::~WitnessServer() = default;

Result<std::unique_ptr<WitnessServer>> WitnessServer::Start(const std::string& listen,
                                                            Witness* witness) {
  const Result<tcp::endpoint> endpoint = ParseEndpoint(listen);
  if (!endpoint) {
    return endpoint.error();
  }
  auto impl = std::make_unique<Impl>(witness);
  if (Result<void> listening = impl->Listen(*endpoint); !listening) {
    return listening.error();
  }
  return std::unique_ptr<WitnessServer>(new WitnessServer(std::move(impl)));
}

uint16_t WitnessServer::port() const { return impl_->port(); }

}  // namespace bulkhead
