#include "egress/outbound_client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>

#include "base/clock.h"
#include "egress/outbound_address.h"
#include "egress/web_address.h"

namespace bulkhead {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using HttpRequest = http::request<http::span_body<const char>>;
using Parser = http::response_parser<http::string_body>;

Error NoAnswer(const WebAddress& where, const beast::error_code& code) {
  return {ErrorCode::kUnavailable, "no answer from " + where.host + ": " + code.message()};
}

Result<std::vector<tcp::endpoint>> FindEndpoints(const WebAddress& where,
                                                 const std::vector<std::string>& allowed) {
  const Result<std::vector<std::string>> addresses = FindAddresses(where.host, allowed);
  if (!addresses) return addresses.error();
  std::vector<tcp::endpoint> endpoints;
  for (const std::string& address : *addresses) {
    endpoints.emplace_back(asio::ip::make_address(address), where.port);
  }
  return endpoints;
}

HttpRequest MakeRequest(const OutboundRequest& request, const WebAddress& where) {
  HttpRequest made(http::verb::post, where.target, 11);
  const uint16_t usual_port = where.tls ? 443 : 80;
  const std::string name =
      where.host.find(':') == std::string::npos ? where.host : "[" + where.host + "]";
  made.set(http::field::host,
           where.port == usual_port ? name : name + ":" + std::to_string(where.port));
  made.set(http::field::user_agent, "Bulkhead");
  made.set(http::field::content_type, request.content_type);
  made.set(http::field::connection, "close");
  for (const auto& [header, value] : request.headers) made.set(header, value);
  made.body() = beast::span<const char>(request.body.data(), request.body.size());
  made.prepare_payload();
  return made;
}

// Runs one step to its end; the stream's own deadline ends it in time.
template <typename Start>
beast::error_code RunStep(asio::io_context& io, const Start& start) {
  beast::error_code outcome = asio::error::operation_aborted;
  start([&outcome](const beast::error_code& code, const auto&...) { outcome = code; });
  io.restart();
  io.run();
  return outcome;
}

template <typename Stream>
Result<OutboundReply> Exchange(asio::io_context& io, Stream& stream, const WebAddress& where,
                               const HttpRequest& request) {
  beast::error_code code =
      RunStep(io, [&](auto done) { http::async_write(stream, request, done); });
  if (code) return NoAnswer(where, code);
  beast::flat_buffer buffer;
  Parser parser;
  parser.body_limit(kMaxOutboundReplyBytes);
  code = RunStep(io, [&](auto done) { http::async_read(stream, buffer, parser, done); });
  if (code) return NoAnswer(where, code);
  const auto retry_after = parser.get()[http::field::retry_after];
  return OutboundReply{static_cast<int>(parser.get().result_int()), std::move(parser.get().body()),
                       std::string(retry_after.data(), retry_after.size()), SystemClock().NowMs()};
}

Result<void> TrustAuthorities(const std::string& file, asio::ssl::context* context) {
  beast::error_code code;
  if (file.empty()) {
    context->set_default_verify_paths(code);
  } else {
    context->load_verify_file(file, code);
  }
  if (!code) return {};
  return Error{ErrorCode::kUnavailable, "the certificate authorities cannot be read"};
}

Result<OutboundReply> PostOverTls(asio::io_context& io, beast::tcp_stream connection,
                                  const WebAddress& where, const OutboundRequest& request) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
  if (Result<void> trusted = TrustAuthorities(request.authorities_file, &context); !trusted) {
    return trusted.error();
  }
  beast::ssl_stream<beast::tcp_stream> stream(std::move(connection), context);
  beast::error_code code;
  stream.set_verify_mode(asio::ssl::verify_peer, code);
  if (!code) stream.set_verify_callback(asio::ssl::host_name_verification(where.host), code);
  beast::error_code is_name;
  static_cast<void>(asio::ip::make_address(where.host, is_name));
  if (!code && is_name &&
      SSL_set_tlsext_host_name(stream.native_handle(), where.host.c_str()) != 1) {
    code = asio::error::invalid_argument;
  }
  if (!code) {
    code = RunStep(
        io, [&](auto done) { stream.async_handshake(asio::ssl::stream_base::client, done); });
  }
  if (code) return NoAnswer(where, code);
  return Exchange(io, stream, where, MakeRequest(request, where));
}

}  // namespace

Result<OutboundReply> Post(const OutboundRequest& request) {
  const Result<WebAddress> where = ParseWebAddress(request.url);
  if (!where) return where.error();
  asio::io_context io;
  const Result<std::vector<tcp::endpoint>> endpoints =
      FindEndpoints(*where, request.allowed_internal);
  if (!endpoints) return endpoints.error();
  beast::tcp_stream connection(io);
  connection.expires_after(request.timeout);
  const beast::error_code code =
      RunStep(io, [&](auto done) { connection.async_connect(*endpoints, done); });
  if (code) return NoAnswer(*where, code);
  return where->tls ? PostOverTls(io, std::move(connection), *where, request)
                    : Exchange(io, connection, *where, MakeRequest(request, *where));
}

}  // namespace bulkhead
