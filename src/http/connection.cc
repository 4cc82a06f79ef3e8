#include "http/connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdio>
#include <deque>
#include <exception>
#include <utility>

#include "base/wiped_heap.h"

namespace bulkhead {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;
using TcpSocket = asio::ip::tcp::socket;
using LocalSocket = asio::local::stream_protocol::socket;
using TlsStream = asio::ssl::stream<TcpSocket>;

constexpr size_t kDiscardBytes = 16UL * 1024;
constexpr size_t kJoinBytes = 64UL * 1024;  // answers up to this size are written in one piece
constexpr int64_t kLingerMs = 2000;
constexpr int64_t kDrainLingerMs = 300;
constexpr size_t kLingerBytes = 32UL * 1024 * 1024;

// A request's place in the order of answers.
struct Slot {
  SteadyClock::time_point start = SteadyClock::now();
  std::string method;   // a known one, or "-"
  size_t reserved = 0;  // bytes of the shared body budget
  bool ready = false;
  bool head_only = false;
  bool keep_alive = true;
  bool chunks = true;    // false: HTTP/1.0
  bool interim = false;  // 100 Continue: no request of its own
  HttpResponse response;
};

enum class ReadState { kHandshake, kIdle, kHeader, kBody, kPaused, kLinger };

template <typename Stream>
class StreamConnection final : public Connection,
                               public std::enable_shared_from_this<StreamConnection<Stream>> {
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;
  static constexpr bool kRelayed = std::is_same_v<Stream, LocalSocket>;
  using Socket = std::conditional_t<kRelayed, LocalSocket, TcpSocket>;

 public:
  template <typename... Args>
  StreamConnection(std::shared_ptr<IoLoop> loop, std::shared_ptr<ConnectionShared> shared,
                   Args&&... args)
      : loop_(std::move(loop)),
        shared_(std::move(shared)),
        stream_(std::forward<Args>(args)...),
        tick_(loop_->context()) {}

  void Start() override {
    loop_->Post([self = this->shared_from_this()] { self->Begin(); });
  }
  void BeginDrain() override {
    loop_->Post([self = this->shared_from_this()] {
      self->draining_ = true;
      self->CloseIfIdle();
    });
  }
  void Abort() override {
    loop_->Post([self = this->shared_from_this()] { self->Close(); });
  }

 private:
  const ServerOptions& options() const { return shared_->options; }
  Socket& socket() {
    if constexpr (kTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }

  void Begin() {
    if (closed_) {
      return;
    }
    if constexpr (!kRelayed) {
      error_code ec;
      socket().set_option(asio::ip::tcp::no_delay(true), ec);
      const auto peer = socket().remote_endpoint(ec);
      if (ec) {
        Close();
        return;
      }
      peer_ = peer.address().to_string();
    }
    const int64_t shortest =
        std::min({options().header_timeout_ms, options().body_timeout_ms, options().idle_timeout_ms,
                  options().write_timeout_ms, int64_t{4000}});
    tick_ms_ = std::clamp<int64_t>(shortest / 4, 20, 1000);
    Tick();
    if constexpr (kTls) {
      Enter(ReadState::kHandshake, options().header_timeout_ms);
      stream_.async_handshake(asio::ssl::stream_base::server,
                              [self = this->shared_from_this()](error_code handshake) {
                                if (handshake) {
                                  ++self->shared_->metrics.tls_handshakes_failed;
                                  self->Close();
                                  return;
                                }
                                self->Parse();
                              });
    } else {
      Parse();
    }
  }

  void Enter(ReadState state, int64_t timeout_ms) {
    state_ = state;
    read_deadline_ = SteadyClock::now() + std::chrono::milliseconds(timeout_ms);
  }

  // --- Reading ---

  void ReadMore() {
    if (reading_ || closed_ || end_of_input_ || state_ == ReadState::kLinger) {
      return;
    }
    const RequestReader::Room room = reader_.Prepare();
    reading_ = true;
    stream_.async_read_some(
        asio::buffer(room.data, room.size),
        [self = this->shared_from_this()](error_code ec, size_t size) { self->OnRead(ec, size); });
  }

  void OnRead(error_code ec, size_t size) {
    reading_ = false;
    if (closed_ || stop_reading_ || state_ == ReadState::kLinger) {
      return;
    }
    reader_.Commit(size);
    if (ec) {
      OnEndOfInput();
      return;
    }
    Parse();
  }

  // The client closed its side. What it asked before is still answered; half a request is not.
  void OnEndOfInput() {
    end_of_input_ = true;
    if (reader_.in_request()) {
      ++shared_->metrics.requests_malformed;
    }
    reader_.Reset();
    state_ = ReadState::kIdle;
    CloseIfEnded();
  }

  void Parse() {
    while (!closed_ && !stop_reading_ && !end_of_input_) {
      if (slots_.size() >= options().max_pipelined) {
        state_ = ReadState::kPaused;
        return;
      }
      const RequestReader::Step step = reader_.Next();
      if (step == RequestReader::Step::kComplete) {
        Dispatch();
        continue;
      }
      if (step == RequestReader::Step::kRefused) {
        Refuse(reader_.refusal());
        return;
      }
      if (step == RequestReader::Step::kContinue) {
        SendContinue();
      }
      AwaitBytes();
      return;
    }
  }

  // Each phase has its own time, counted from its beginning and not from the last byte.
  void AwaitBytes() {
    if (!reader_.in_request()) {
      // Only once between two requests: empty lines are no sign of life.
      if (!idle_armed_) {
        Enter(ReadState::kIdle,
              had_request_ ? options().idle_timeout_ms : options().header_timeout_ms);
        idle_armed_ = true;
      }
      if (CloseIfIdle()) {
        return;
      }
    } else if (reader_.in_body()) {
      if (state_ != ReadState::kBody) {
        Enter(ReadState::kBody, options().body_timeout_ms);
      }
    } else if (state_ != ReadState::kHeader) {
      Enter(ReadState::kHeader, options().header_timeout_ms);
    }
    ReadMore();
  }

  void SendContinue() {
    auto slot = std::make_shared<Slot>();
    slot->ready = true;
    slot->interim = true;
    slots_.push_back(std::move(slot));
    Flush();
  }

  // Answers a request that cannot be read to its end, and ends the connection after that.
  void Refuse(int status) {
    ++shared_->metrics.requests_malformed;
    stop_reading_ = true;
    auto slot = std::make_shared<Slot>();
    slot->keep_alive = false;
    slot->response = shared_->handler->Refuse(reader_.Head(), status);
    slot->ready = true;
    if (!reading_) {
      reader_.Reset();
    }
    shared_->metrics.Answered("-", status, 0);
    Log(*slot, "-", status);
    slots_.push_back(std::move(slot));
    Flush();
  }

  void Dispatch() {
    ReadRequest read = reader_.Take();
    state_ = ReadState::kIdle;
    idle_armed_ = false;
    had_request_ = true;
    shared_->metrics.body_bytes += read.request.body.size();
    const std::string forwarded = read.request.JoinedHeader("x-forwarded-for");
    read.request.client_ip = kRelayed ? forwarded : shared_->proxies.ClientIp(peer_, forwarded);
    read.request.secure = kTls;
    auto slot = std::make_shared<Slot>();
    slot->method = read.known_method ? read.request.method : "-";
    slot->head_only = read.request.method == "HEAD";
    slot->chunks = read.chunks;
    slot->keep_alive = read.keep_alive && !draining_;
    slot->reserved = read.reserved;
    stop_reading_ = !slot->keep_alive;
    slots_.push_back(slot);
    auto reply = std::make_shared<Responder>();
    reply->SetSink(
        [self = this->shared_from_this(), slot, raw = reply.get()](HttpResponse response) {
          self->OnAnswer(slot, raw->route, std::move(response));
        });
    try {
      shared_->handler->Handle(std::move(read.request), reply);
    } catch (const std::exception&) {
      reply->Send(ErrorResponse(500, "internal error"));
    }
    WipeUnusedStack();  // raw values were there
  }

  // --- Answering ---

  // From any thread.
  void OnAnswer(const std::shared_ptr<Slot>& slot, std::string_view route, HttpResponse response) {
    const auto taken = SteadyClock::now() - slot->start;
    shared_->metrics.Answered(route, response.status,
                              std::chrono::duration_cast<std::chrono::microseconds>(taken).count());
    Log(*slot, route, response.status);
    auto deliver = [self = this->shared_from_this(), slot, held = std::move(response)]() mutable {
      slot->response = std::move(held);
      slot->ready = true;
      self->shared_->budget.Give(std::exchange(slot->reserved, 0));
      self->Flush();
    };
    if (loop_->context().get_executor().running_in_this_thread()) {
      deliver();
    } else {
      loop_->Post(std::move(deliver));
    }
  }

  void Log(const Slot& slot, std::string_view route, int status) {
    if (options().access_log) {
      const auto taken = SteadyClock::now() - slot.start;
      options().access_log(
          AccessLine{slot.method.empty() ? std::string_view("-") : slot.method, route, status,
                     std::chrono::duration_cast<std::chrono::microseconds>(taken).count()});
    }
  }

  void Flush() {
    if (writing_ || closed_ || stream_body_ || finishing_) {
      return;
    }
    out_.clear();
    while (!slots_.empty() && slots_.front()->ready && !finishing_ && !stream_body_) {
      AppendAnswer(slots_.front().get());
      slots_.pop_front();
    }
    if (!out_.empty()) {
      Write();
    }
  }

  void AppendAnswer(Slot* slot) {
    if (slot->interim) {
      AppendOut("HTTP/1.1 100 Continue\r\n\r\n");
      return;
    }
    HttpResponse& response = slot->response;
    const bool streamed = response.stream && !slot->head_only;
    bool keep_alive = slot->keep_alive && !response.close && !draining_;
    if (streamed && !slot->chunks) {
      keep_alive = false;
    }
    const bool chunked = response.stream && slot->chunks;
    std::string head =
        response.stream && !slot->chunks
            ? SerializeUnsized(response)
            : SerializeHead(response, chunked ? -1 : static_cast<int64_t>(response.body.size()),
                            keep_alive);
    AppendOut(std::move(head));
    if (streamed) {
      stream_body_ = std::move(response.stream);
      stream_chunked_ = slot->chunks;
      close_after_stream_ = !keep_alive;
    } else {
      if (!slot->head_only && response.status != 204) {
        AppendOut(std::move(response.body));
      }
      finishing_ = !keep_alive;
    }
    stop_reading_ = stop_reading_ || !keep_alive;
  }

  // HTTP/1.0 knows no chunks: the end of the connection ends the body.
  static std::string SerializeUnsized(const HttpResponse& response) {
    std::string head = SerializeHead(response, -1, false);
    const std::string_view coding = "\r\nTransfer-Encoding: chunked";
    head.erase(head.find(coding), coding.size());
    return head;
  }

  void AppendOut(std::string piece) {
    if (!out_.empty() && out_.back().size() + piece.size() <= kJoinBytes) {
      out_.back() += piece;
    } else if (!piece.empty()) {
      out_.push_back(std::move(piece));
    }
  }

  void Write() {
    writing_ = true;
    buffers_.clear();
    for (const std::string& piece : out_) {
      buffers_.emplace_back(piece.data(), piece.size());
    }
    ExtendWrite();
    asio::async_write(
        stream_, buffers_,
        [self = this->shared_from_this()](error_code ec, size_t) -> size_t {
          self->ExtendWrite();
          return ec ? 0 : kJoinBytes;
        },
        [self = this->shared_from_this()](error_code ec, size_t) { self->OnWritten(ec); });
  }

  void ExtendWrite() {
    write_deadline_ = SteadyClock::now() + std::chrono::milliseconds(options().write_timeout_ms);
  }

  void OnWritten(error_code ec) {
    writing_ = false;
    out_.clear();
    if (ec || closed_) {
      Close();
      return;
    }
    if (stream_body_) {
      PullStream();
      return;
    }
    if (finishing_) {
      Linger();
      return;
    }
    Flush();
    if (state_ == ReadState::kPaused && slots_.size() < options().max_pipelined) {
      Parse();
    }
    CloseIfEnded();
    CloseIfIdle();
  }

  void PullStream() {
    shared_->pool->PostNext([self = this->shared_from_this(), source = stream_body_] {
      std::string piece;
      bool failed = true;
      bool more = false;
      try {
        const Result<bool> next = source->Next(&piece);
        failed = !next;
        more = next && *next;
      } catch (const std::exception&) {
        failed = true;
      }
      self->loop_->Post([self, piece = std::move(piece), failed, more]() mutable {
        self->OnPiece(std::move(piece), failed, more);
      });
    });
  }

  void OnPiece(std::string piece, bool failed, bool more) {
    if (closed_) {
      return;
    }
    if (failed) {
      Close();
      return;
    }
    out_.clear();
    if (stream_chunked_ && !piece.empty()) {
      std::array<char, 24> size{};
      std::snprintf(size.data(), size.size(), "%zx\r\n", piece.size());
      AppendOut(size.data());
      AppendOut(std::move(piece));
      AppendOut("\r\n");
    } else if (!stream_chunked_) {
      AppendOut(std::move(piece));
    }
    if (!more) {
      if (stream_chunked_) {
        AppendOut("0\r\n\r\n");
      }
      stream_body_.reset();
      finishing_ = close_after_stream_;
    }
    if (out_.empty()) {
      OnWritten({});
    } else {
      Write();
    }
  }

  // --- Ending ---

  void CloseIfEnded() {
    if (end_of_input_ && slots_.empty() && !writing_ && !stream_body_) {
      Close();
    }
  }

  bool CloseIfIdle() {
    if (draining_ && !closed_ && slots_.empty() && !writing_ && !stream_body_ && !finishing_ &&
        (state_ == ReadState::kIdle || state_ == ReadState::kHandshake)) {
      Close();
    }
    return closed_;
  }

  // Lets the client read the last answer: closing with unread bytes would reset the connection
  // under it.
  void Linger() {
    Enter(ReadState::kLinger, draining_ ? kDrainLingerMs : kLingerMs);
    tick_ms_ = std::min<int64_t>(tick_ms_, 100);
    tick_.cancel();  // its handler starts it anew
    if constexpr (kTls) {
      stream_.async_shutdown([self = this->shared_from_this()](error_code) { self->LingerRaw(); });
    } else {
      LingerRaw();
    }
  }

  void LingerRaw() {
    if (closed_) {
      return;
    }
    error_code ec;
    socket().shutdown(Socket::shutdown_send, ec);
    discard_.resize(kDiscardBytes);
    DiscardSome();
  }

  void DiscardSome() {
    socket().async_read_some(asio::buffer(discard_),
                             [self = this->shared_from_this()](error_code ec, size_t size) {
                               self->discarded_ += size;
                               if (ec || self->closed_ || self->discarded_ > kLingerBytes) {
                                 self->Close();
                               } else {
                                 self->DiscardSome();
                               }
                             });
  }

  void Tick() {
    if (closed_) {
      return;
    }
    CheckDeadlines();
    if (closed_) {
      return;
    }
    tick_.expires_after(std::chrono::milliseconds(tick_ms_));
    tick_.async_wait([self = this->shared_from_this()](error_code) { self->Tick(); });
  }

  void CheckDeadlines() {
    const auto now = SteadyClock::now();
    const bool read_late = now >= read_deadline_;
    if (writing_ && now >= write_deadline_) {
      CutOff();
    } else if (state_ == ReadState::kIdle && (!slots_.empty() || writing_ || stream_body_)) {
      Enter(ReadState::kIdle, options().idle_timeout_ms);
    } else if (read_late && (state_ == ReadState::kIdle || state_ == ReadState::kLinger)) {
      Close();
    } else if (read_late && state_ == ReadState::kHandshake) {
      CutOff();
    } else if (read_late && !stop_reading_ &&
               (state_ == ReadState::kHeader || state_ == ReadState::kBody)) {
      ++shared_->metrics.connections_timed_out;
      Refuse(408);
    }
  }

  void CutOff() {
    ++shared_->metrics.connections_timed_out;
    Close();
  }

  void Close() {
    if (closed_) {
      return;
    }
    closed_ = true;
    error_code ec;
    socket().close(ec);
    tick_.cancel();
    stream_body_.reset();
    shared_->connections.Remove(this->shared_from_this());
    --shared_->metrics.connections_open;
  }

  const std::shared_ptr<IoLoop> loop_;
  const std::shared_ptr<ConnectionShared> shared_;
  Stream stream_;
  asio::steady_timer tick_;
  std::string peer_;
  int64_t tick_ms_ = 1000;

  RequestReader reader_{&shared_->budget};
  ReadState state_ = ReadState::kIdle;
  SteadyClock::time_point read_deadline_ = SteadyClock::time_point::max();

  std::deque<std::shared_ptr<Slot>> slots_;  // in the order of the requests
  std::vector<std::string> out_;
  std::vector<asio::const_buffer> buffers_;
  SteadyClock::time_point write_deadline_ = SteadyClock::time_point::max();
  std::shared_ptr<BodySource> stream_body_;
  bool stream_chunked_ = true;
  bool close_after_stream_ = false;
  std::string discard_;
  size_t discarded_ = 0;

  bool idle_armed_ = false;   // read_deadline_ is that of the time between requests
  bool had_request_ = false;  // before the first request that time is short
  bool reading_ = false;
  bool writing_ = false;
  bool stop_reading_ = false;  // no further request of this connection
  bool finishing_ = false;     // the answer being written is the last
  bool end_of_input_ = false;
  bool draining_ = false;
  bool closed_ = false;
};

}  // namespace

std::shared_ptr<Connection> MakePlainConnection(asio::ip::tcp::socket socket,
                                                std::shared_ptr<IoLoop> loop,
                                                std::shared_ptr<ConnectionShared> shared) {
  return std::make_shared<StreamConnection<TcpSocket>>(std::move(loop), std::move(shared),
                                                       std::move(socket));
}

std::shared_ptr<Connection> MakeRelayedConnection(LocalSocket socket, std::shared_ptr<IoLoop> loop,
                                                  std::shared_ptr<ConnectionShared> shared) {
  return std::make_shared<StreamConnection<LocalSocket>>(std::move(loop), std::move(shared),
                                                         std::move(socket));
}

std::shared_ptr<Connection> MakeTlsConnection(asio::ip::tcp::socket socket,
                                              std::shared_ptr<IoLoop> loop,
                                              std::shared_ptr<ConnectionShared> shared,
                                              asio::ssl::context& tls) {
  return std::make_shared<StreamConnection<TlsStream>>(std::move(loop), std::move(shared),
                                                       std::move(socket), tls);
}

}  // namespace bulkhead
