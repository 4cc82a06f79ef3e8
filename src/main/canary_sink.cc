#include "main/canary_sink.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/percent.h"
#include "main/listen_socket.h"
#include "main/smtp_dialogue.h"

namespace bulkhead {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Tell = std::function<void(CanarySight)>;

constexpr std::chrono::seconds kTimeout{30};
constexpr std::chrono::minutes kTellAgain{10};
constexpr std::chrono::milliseconds kTellPause{200};
constexpr size_t kMaxConnections = 64;
constexpr size_t kMaxLineBytes = 2000;
constexpr uint32_t kMaxHeaderBytes = 8 * 1024;
constexpr size_t kMaxBodyBytes = 16 * 1024;
constexpr size_t kMaxWaiting = 1000;
constexpr size_t kMaxTold = 10'000;

std::string PeerOf(const beast::tcp_stream& stream) {
  beast::error_code code;
  const tcp::endpoint peer = stream.socket().remote_endpoint(code);
  return code ? "" : peer.address().to_string();
}

// Sights on their way to `tell`, at a bounded rate.
class Teller {
 public:
  explicit Teller(std::function<void(const CanarySight&)> tell)
      : tell_(std::move(tell)), thread_([this] { Run(); }) {}
  ~Teller() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  Teller(const Teller&) = delete;
  Teller& operator=(const Teller&) = delete;

  void Add(CanarySight sight) {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    std::erase_if(told_, [now](const auto& one) { return now - one.second >= kTellAgain; });
    if (waiting_.size() >= kMaxWaiting || told_.size() >= kMaxTold ||
        !told_.try_emplace(sight.address, now).second) {
      return;
    }
    waiting_.push_back(std::move(sight));
    wake_.notify_all();
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
      if (waiting_.empty()) {
        wake_.wait(lock);
        continue;
      }
      const CanarySight sight = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      tell_(sight);
      lock.lock();
      wake_.wait_for(lock, kTellPause, [this] { return stop_; });
    }
  }

  const std::function<void(const CanarySight&)> tell_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<CanarySight> waiting_;
  std::map<std::string, std::chrono::steady_clock::time_point> told_;
  bool stop_ = false;
  std::thread thread_;
};

// What both kinds of connection have.
struct Served {
  Served(tcp::socket socket, std::shared_ptr<size_t> count)
      : stream(std::move(socket)), open(std::move(count)), peer(PeerOf(stream)) {
    ++*open;
  }
  ~Served() { --*open; }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  beast::tcp_stream stream;
  std::shared_ptr<size_t> open;
  std::string peer;
};

class SmtpSession : public std::enable_shared_from_this<SmtpSession> {
 public:
  SmtpSession(tcp::socket socket, std::shared_ptr<size_t> open,
              const std::vector<std::string>& domains, Tell tell)
      : served_(std::move(socket), std::move(open)),
        dialogue_(domains, [this, tell = std::move(tell)](const std::string& recipient,
                                                          const std::string& sender_domain) {
          tell({recipient, "smtp", sender_domain, served_.peer});
        }) {}

  void Begin() { Send(SmtpDialogue::Greeting()); }

 private:
  void Read() {
    served_.stream.expires_after(kTimeout);
    asio::async_read_until(served_.stream, asio::dynamic_buffer(buffer_, kMaxLineBytes), '\n',
                           [self = shared_from_this()](const beast::error_code& code, size_t size) {
                             if (!code) self->Heed(size);
                           });
  }
  void Heed(size_t size) {
    std::string line = buffer_.substr(0, size);
    buffer_.erase(0, size);
    while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
    std::string answer = dialogue_.Take(line);
    if (answer.empty()) {
      Read();
    } else {
      Send(std::move(answer));
    }
  }
  void Send(std::string text) {
    answer_ = std::move(text);
    served_.stream.expires_after(kTimeout);
    asio::async_write(served_.stream, asio::buffer(answer_),
                      [self = shared_from_this()](const beast::error_code& code, size_t) {
                        if (!code && !self->dialogue_.over()) self->Read();
                      });
  }

  Served served_;
  SmtpDialogue dialogue_;
  std::string buffer_, answer_;
};

// One request, whatever it is: the same answer, as a page for signing in gives to a wrong password.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(tcp::socket socket, std::shared_ptr<size_t> open,
              const std::vector<std::string>& domains, Tell tell)
      : served_(std::move(socket), std::move(open)), domains_(domains), tell_(std::move(tell)) {}

  void Begin() {
    parser_.body_limit(kMaxBodyBytes);
    parser_.header_limit(kMaxHeaderBytes);
    served_.stream.expires_after(kTimeout);
    http::async_read(served_.stream, buffer_, parser_,
                     [self = shared_from_this()](const beast::error_code& code, size_t) {
                       if (!code) self->Answer();
                     });
  }

 private:
  void Answer() {
    const auto& request = parser_.get();
    const std::string target(request.target());
    const std::string text =
        target + " " + PercentDecode(target, true) + " " + PercentDecode(request.body(), true);
    for (std::string& address : AddressesIn(text, domains_)) {
      tell_({std::move(address), "http", "", served_.peer});
    }
    reply_.version(11);
    reply_.result(http::status::unauthorized);
    reply_.set(http::field::content_type, "text/plain; charset=utf-8");
    reply_.keep_alive(false);
    reply_.body() = "wrong name or password\n";
    reply_.prepare_payload();
    http::async_write(served_.stream, reply_,
                      [self = shared_from_this()](const beast::error_code&, size_t) {});
  }

  Served served_;
  const std::vector<std::string>& domains_;
  Tell tell_;
  beast::flat_buffer buffer_;
  http::request_parser<http::string_body> parser_;
  http::response<http::string_body> reply_;
};

}  // namespace

class CanarySink::Impl {
 public:
  Impl(std::vector<std::string> domains, std::function<void(const CanarySight&)> tell)
      : domains_(std::move(domains)), teller_(std::move(tell)), smtp_(io_), http_(io_) {}
  ~Impl() {
    io_.stop();
    if (thread_.joinable()) {
      thread_.join();
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> Listen(const CanarySinkOptions& options) {
    Result<void> listening = ListenOn(options.smtp, &smtp_, &smtp_port_);
    if (listening) listening = ListenOn(options.http, &http_, &http_port_);
    if (!listening) return listening;
    if (smtp_port_ != 0) Accept<SmtpSession>(&smtp_);
    if (http_port_ != 0) Accept<HttpSession>(&http_);
    thread_ = std::thread([this] { io_.run(); });
    return {};
  }
  [[nodiscard]] uint16_t smtp_port() const { return smtp_port_; }
  [[nodiscard]] uint16_t http_port() const { return http_port_; }

 private:
  static Result<void> ListenOn(const std::string& address, tcp::acceptor* acceptor,
                               uint16_t* port) {
    if (address.empty()) return {};
    Result<ListenSocket> socket = MakeListenSocket(address, false, true);
    if (!socket) return socket.error();
    beast::error_code code;
    acceptor->assign(tcp::v6(), socket->socket.Release(), code);
    *port = socket->port;
    return code ? Result<void>(Error{ErrorCode::kUnavailable, "cannot listen: " + code.message()})
                : Result<void>();
  }

  template <typename Session>
  void Accept(tcp::acceptor* acceptor) {
    acceptor->async_accept([this, acceptor](const beast::error_code& code, tcp::socket socket) {
      if (code == asio::error::operation_aborted) {
        return;
      }
      if (!code && *open_ < kMaxConnections) {
        std::make_shared<Session>(std::move(socket), open_, domains_, [this](CanarySight sight) {
          teller_.Add(std::move(sight));
        })->Begin();
      }
      Accept<Session>(acceptor);
    });
  }

  const std::vector<std::string> domains_;
  Teller teller_;
  std::shared_ptr<size_t> open_ = std::make_shared<size_t>(0);
  asio::io_context io_{1};
  tcp::acceptor smtp_, http_;
  uint16_t smtp_port_ = 0, http_port_ = 0;
  std::thread thread_;
};

CanarySink::CanarySink(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CanarySink::~CanarySink() = default;

Result<std::unique_ptr<CanarySink>> CanarySink::Start(
    const CanarySinkOptions& options, std::function<void(const CanarySight&)> tell) {
  auto impl = std::make_unique<Impl>(options.domains, std::move(tell));
  if (Result<void> listening = impl->Listen(options); !listening) {
    return listening.error();
  }
  return std::unique_ptr<CanarySink>(new CanarySink(std::move(impl)));
}

uint16_t CanarySink::smtp_port() const { return impl_->smtp_port(); }
uint16_t CanarySink::http_port() const { return impl_->http_port(); }

}  // namespace bulkhead
