#include "main/http_client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "base/base64.h"
#include "egress/web_address.h"

namespace bulkhead {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

Error Unreachable(const std::string& host, const beast::error_code& code) {
  return Error{ErrorCode::kUnavailable, "no answer from " + host + ": " + code.message()};
}

}  // namespace

struct HttpClient::Connection {
  explicit Connection(WebAddress where)
      : address(std::move(where)), stream(io), tls(stream, tls_context) {}

  WebAddress address;
  asio::io_context io;
  asio::ssl::context tls_context{asio::ssl::context::tls_client};
  asio::ip::tcp::socket stream;
  asio::ssl::stream<asio::ip::tcp::socket&> tls;
  beast::flat_buffer buffer;

  Result<void> Open() {
    beast::error_code code;
    asio::ip::tcp::resolver resolver(io);
    const auto endpoints = resolver.resolve(address.host, std::to_string(address.port), code);
    if (!code) {
      asio::connect(stream, endpoints, code);
    }
    if (!code) {
      stream.set_option(asio::ip::tcp::no_delay(true), code);
    }
    if (!code && address.tls) {
      tls_context.set_default_verify_paths(code);
      tls.set_verify_mode(asio::ssl::verify_peer, code);
      tls.set_verify_callback(asio::ssl::host_name_verification(address.host), code);
      tls.handshake(asio::ssl::stream_base::client, code);
    }
    if (code) {
      return Unreachable(address.host, code);
    }
    return {};
  }

  template <typename Stream>
  Result<HttpReply> Exchange(Stream& channel,
                             const http::request<http::span_body<const char>>& request,
                             uint64_t max_reply_bytes) {
    beast::error_code code;
    http::write(channel, request, code);
    http::response_parser<http::string_body> parser;
    parser.body_limit(max_reply_bytes);
    if (!code) {
      http::read(channel, buffer, parser, code);
    }
    if (code) {
      return Unreachable(address.host, code);
    }
    return HttpReply{static_cast<int>(parser.get().result_int()), std::move(parser.get().body())};
  }
};

HttpClient::HttpClient(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>> HttpClient::Connect(const std::string& url) {
  Result<WebAddress> address = ParseWebAddress(url);
  if (!address || address->target != "/") {
    return Error{ErrorCode::kInvalid, "expected http://host:port or https://host:port"};
  }
  auto connection = std::make_unique<Connection>(*std::move(address));
  if (Result<void> opened = connection->Open(); !opened) {
    return opened.error();
  }
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(connection)));
}

Result<HttpReply> HttpClient::Call(const HttpCall& call) {
  http::request<http::span_body<const char>> request;
  request.version(11);
  request.method(call.method == "GET" ? http::verb::get : http::verb::post);
  request.target(call.target);
  request.set(http::field::host,
              connection_->address.host + ":" + std::to_string(connection_->address.port));
  if (!call.basic.empty()) {
    request.set(http::field::authorization, "Basic " + Base64Encode(call.basic));
  }
  request.set(http::field::content_type, call.content_type);
  request.body() = beast::span<const char>(call.body.data(), call.body.size());
  request.prepare_payload();
  return connection_->address.tls
             ? connection_->Exchange(connection_->tls, request, call.max_reply_bytes)
             : connection_->Exchange(connection_->stream, request, call.max_reply_bytes);
}

}  // namespace bulkhead
