#include "http/request_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstring>
#include <exception>
#include <utility>

#include "base/limits.h"

namespace bulkhead {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr size_t kReadBytes = 16UL * 1024;
constexpr size_t kBodyReadBytes = 128UL * 1024;
constexpr size_t kChunkedReserveBytes = 256UL * 1024;

std::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

int StatusOf(const error_code& ec) {
  if (ec == http::error::header_limit) {
    return 431;
  }
  if (ec == http::error::body_limit) {
    return 413;
  }
  return ec == http::error::bad_alloc ? 503 : 400;
}

// What follows the host of an absolute-form target, which a proxy's client sends and a server must
// accept (RFC 9112 3.2.2); other forms as they are.
std::string_view OriginForm(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() > scheme.size() &&
        boost::beast::iequals(target.substr(0, scheme.size()), scheme)) {
      const size_t path = target.find_first_of("/?", scheme.size());
      return path == std::string_view::npos ? "/" : target.substr(path);
    }
  }
  return target;
}

}  // namespace

struct RequestReader::Parser {
  http::request_parser<http::string_body> http;
};

RequestReader::RequestReader(BodyBudget* budget) : budget_(budget) {}

RequestReader::~RequestReader() { Reset(); }

void RequestReader::Reset() {
  parser_.reset();
  begin_ = in_.size();
  DropUsed();
  budget_->Give(std::exchange(reserved_, 0));
}

bool RequestReader::in_body() const { return parser_ && parser_->http.is_header_done(); }

// Nothing stays behind what is left, since a connection may live long: neither the used bytes nor
// copies of moved ones.
void RequestReader::DropUsed() {
  const size_t left = in_.size() - begin_;
  std::memmove(in_.data(), in_.data() + begin_, left);
  explicit_bzero(in_.data() + left, in_.size() - left);
  in_.resize(left);
  begin_ = 0;
}

RequestReader::Room RequestReader::Prepare() {
  const size_t want = in_body() ? kBodyReadBytes : kReadBytes;
  DropUsed();
  end_ = in_.size();
  in_.resize(end_ + want);
  return {in_.data() + end_, want};
}

void RequestReader::Commit(size_t size) { in_.resize(std::min(end_ + size, in_.size())); }

RequestReader::Step RequestReader::Refuse(int status) {
  refusal_ = status;
  return Step::kRefused;
}

RequestReader::Step RequestReader::Next() {
  if (!parser_) {
    while (begin_ < in_.size() && (in_[begin_] == '\r' || in_[begin_] == '\n')) {
      ++begin_;
    }
    if (begin_ == in_.size()) {
      return Step::kIdle;
    }
    parser_ = std::make_unique<Parser>();
    parser_->http.header_limit(static_cast<std::uint32_t>(limits::kMaxHeaderBytes));
    parser_->http.body_limit(limits::kMaxBodyBytes);
  }
  try {
    return Parse();
  } catch (const std::exception&) {
    return Refuse(503);
  }
}

RequestReader::Step RequestReader::Parse() {
  auto& parser = parser_->http;
  bool asks_to_continue = false;
  while (begin_ < in_.size()) {
    const bool had_header = parser.is_header_done();
    error_code ec;
    const size_t used =
        parser.put(boost::asio::const_buffer(in_.data() + begin_, in_.size() - begin_), ec);
    begin_ += used;
    if (ec && ec != http::error::need_more) {
      return Refuse(StatusOf(ec));
    }
    if (!had_header && parser.is_header_done()) {
      parser.eager(true);
      if (!ReserveForHeader()) {
        return Refuse(503);
      }
      asks_to_continue = !parser.is_done() && begin_ == in_.size() &&
                         boost::beast::iequals(parser.get()[http::field::expect], "100-continue");
    }
    if (parser.is_done()) {
      return Step::kComplete;
    }
    // A chunked body says nothing of its size: room is taken as it grows.
    if (parser.is_header_done() && parser.get().body().size() >= reserved_) {
      if (!budget_->Take(kChunkedReserveBytes)) {
        return Refuse(503);
      }
      reserved_ += kChunkedReserveBytes;
    }
    if (ec == http::error::need_more) {
      break;
    }
  }
  // Neither a header nor a chunk's header may go on without an end.
  if (in_.size() - begin_ > limits::kMaxHeaderBytes) {
    return Refuse(parser.is_header_done() ? 400 : 431);
  }
  return asks_to_continue ? Step::kContinue : Step::kMore;
}

bool RequestReader::ReserveForHeader() {
  const auto& parser = parser_->http;
  if (parser.is_done()) {
    return true;
  }
  const auto length = parser.content_length();
  const size_t wanted = length ? static_cast<size_t>(*length) : kChunkedReserveBytes;
  if (!budget_->Take(wanted)) {
    return false;
  }
  reserved_ += wanted;
  return true;
}

HttpRequest RequestReader::Head() const {
  HttpRequest request;
  if (!parser_) {
    return request;
  }
  const auto& message = parser_->http.get();
  request.method = View(message.method_string());
  const std::string_view target = OriginForm(View(message.target()));
  const size_t mark = target.find('?');
  request.path = mark == 0 ? "/" : target.substr(0, mark);
  if (mark != std::string_view::npos) {
    const std::string_view query = target.substr(mark + 1);
    request.query = query.substr(0, query.find('#'));
  }
  for (const auto& field : message) {
    std::string name(View(field.name_string()));
    for (char& c : name) {
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    request.headers.emplace_back(std::move(name), std::string(View(field.value())));
  }
  return request;
}

ReadRequest RequestReader::Take() {
  ReadRequest read;
  auto& parser = parser_->http;
  read.request = Head();
  read.known_method = parser.get().method() != http::verb::unknown;
  read.keep_alive = parser.keep_alive();
  read.chunks = parser.get().version() >= 11;
  read.request.body = std::move(parser.get().body());
  read.reserved = std::exchange(reserved_, 0);
  parser_.reset();
  DropUsed();
  return read;
}

}  // namespace bulkhead
