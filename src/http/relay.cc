#include "http/relay.h"

#include <poll.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/optional.hpp>
#include <cctype>
#include <mutex>
#include <utility>
#include <vector>

namespace bulkhead {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr size_t kPieceBytes = 64UL * 1024;
constexpr size_t kMaxIdle = 16;

// Of one hop only, or set anew here.
bool IsHopHeader(std::string_view lower_name) {
  static constexpr std::array<std::string_view, 10> kNames = {
      "connection",        "keep-alive",      "te",     "trailer",
      "transfer-encoding", "upgrade",         "expect", "x-forwarded-for",
      "content-length",    "proxy-connection"};
  return std::find(kNames.begin(), kNames.end(), lower_name) != kNames.end();
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return lower;
}

HttpResponse NoAnswer() {
  HttpResponse response = ErrorResponse(503, "queries cannot be answered now, please retry");
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace

// One connection to the other side, and the answer that is being read from it.
class Relay::Line {
 public:
  explicit Line(Descriptor descriptor) : socket_(io_) {
    error_code ec;
    socket_.assign(asio::local::stream_protocol(), descriptor.get(), ec);
    if (!ec) {
      static_cast<void>(descriptor.Release());
    }
  }

  // Writes the request and reads the head of its answer. False: the line is of no use any more.
  bool Begin(const HttpRequest& request) {
    http::request<http::span_body<const char>> out;
    out.version(11);
    out.method_string(request.method);
    out.target(request.query.empty() ? request.path : request.path + "?" + request.query);
    for (const auto& [name, value] : request.headers) {
      if (!IsHopHeader(name)) {
        out.insert(name, value);
      }
    }
    out.set("x-forwarded-for", request.client_ip);
    out.body() = boost::beast::span<const char>(request.body.data(), request.body.size());
    out.prepare_payload();
    error_code ec;
    http::write(socket_, out, ec);
    parser_.emplace();
    parser_->body_limit(boost::none);
    parser_->skip(request.method == "HEAD");
    if (!ec) {
      http::read_header(socket_, buffer_, *parser_, ec);
    }
    return !ec;
  }

  [[nodiscard]] HttpResponse Head() const {
    HttpResponse response;
    response.status = static_cast<int>(parser_->get().result_int());
    response.content_type.clear();
    for (const auto& field : parser_->get()) {
      const std::string name = Lower(std::string_view(field.name_string()));
      if (name == "content-type") {
        response.content_type = std::string(field.value());
      } else if (!IsHopHeader(name)) {
        response.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
      }
    }
    return response;
  }

  // Whether the other side still waits for a request here: it says nothing and has not hung up.
  [[nodiscard]] bool waits() {
    pollfd state{socket_.native_handle(), POLLIN | POLLRDHUP, 0};
    return ::poll(&state, 1, 0) == 0;
  }
  [[nodiscard]] bool done() const { return parser_->is_done(); }
  [[nodiscard]] bool reusable() const { return parser_->is_done() && parser_->keep_alive(); }

  // The next piece of the body; empty where it is done.
  Result<void> Read(std::string* out) {
    while (out->empty() && !parser_->is_done()) {
      std::string piece(kPieceBytes, '\0');
      parser_->get().body().data = piece.data();
      parser_->get().body().size = piece.size();
      error_code ec;
      http::read(socket_, buffer_, *parser_, ec);
      if (ec && ec != http::error::need_buffer) {
        return Error{ErrorCode::kUnavailable, "the answer broke off"};
      }
      out->append(piece, 0, piece.size() - parser_->get().body().size);
    }
    return {};
  }

 private:
  asio::io_context io_{1};
  asio::local::stream_protocol::socket socket_;
  boost::beast::flat_buffer buffer_;
  boost::optional<http::response_parser<http::buffer_body>> parser_;
};

struct Relay::Idle {
  std::mutex mutex;
  std::vector<std::unique_ptr<Line>> lines;

  std::unique_ptr<Line> Take() {
    const std::lock_guard lock(mutex);
    if (lines.empty()) {
      return nullptr;
    }
    std::unique_ptr<Line> line = std::move(lines.back());
    lines.pop_back();
    return line;
  }
  void Give(std::unique_ptr<Line> line) {
    const std::lock_guard lock(mutex);
    if (line->reusable() && lines.size() < kMaxIdle) {
      lines.push_back(std::move(line));
    }
  }
};

class Relay::Body final : public BodySource {
 public:
  Body(std::string first, std::unique_ptr<Line> line, std::shared_ptr<Idle> idle)
      : first_(std::move(first)), line_(std::move(line)), idle_(std::move(idle)) {}

  Result<bool> Next(std::string* out) override {
    if (!first_.empty()) {
      out->append(std::exchange(first_, ""));
      return true;
    }
    if (Result<void> read = line_->Read(out); !read) {
      return read.error();
    }
    if (!line_->done()) {
      return true;
    }
    idle_->Give(std::move(line_));
    return false;
  }

 private:
  std::string first_;  // what was read with the head
  std::unique_ptr<Line> line_;
  std::shared_ptr<Idle> idle_;
};

Relay::Relay(RelayConnect connect, WorkPool* pool)
    : connect_(std::move(connect)), pool_(pool), idle_(std::make_shared<Idle>()) {}

Relay::~Relay() = default;

HttpResponse Relay::Answer(const RelayConnect& connect, const std::shared_ptr<Idle>& idle,
                           const HttpRequest& request) {
  std::unique_ptr<Line> line = idle->Take();
  // One that was kept may belong to a process that has ended.
  while (line != nullptr && !line->waits()) {
    line = idle->Take();
  }
  if (line == nullptr) {
    Result<Descriptor> descriptor = connect();
    if (!descriptor) {
      return NoAnswer();
    }
    line = std::make_unique<Line>(*std::move(descriptor));
  }
  // Not sent again where it fails: it may have been carried out.
  if (!line->Begin(request)) {
    return NoAnswer();
  }
  HttpResponse response = line->Head();
  std::string first;
  if (!line->done() && !line->Read(&first)) {
    return NoAnswer();
  }
  if (line->done()) {
    response.body = std::move(first);
    idle->Give(std::move(line));
    return response;
  }
  // Small answers go out with their length, larger ones as they come.
  response.stream = std::make_shared<Body>(std::move(first), std::move(line), idle);
  return response;
}

void Relay::Handle(HttpRequest request, Reply reply) {
  auto held = std::make_shared<HttpRequest>(std::move(request));
  if (!pool_->TryPost([connect = connect_, idle = idle_, held, reply] {
        reply->Send(Answer(connect, idle, *held));
      })) {
    HttpResponse busy = ErrorResponse(429, "too many queries are waiting, please retry");
    busy.headers.emplace_back("Retry-After", "1");
    reply->Send(std::move(busy));
  }
}

}  // namespace bulkhead
