// The listener with real sockets on loopback: order, limits, timeouts, TLS, stopping.
#include "http/listener.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "base/limits.h"
#include "http/test_client.h"

namespace bulkhead {
namespace {

class ThreePieces final : public BodySource {
 public:
  Result<bool> Next(std::string* out) override {
    *out += "piece" + std::to_string(count_);
    return ++count_ < 3;
  }

 private:
  int count_ = 0;
};

class BrokenSource final : public BodySource {
 public:
  Result<bool> Next(std::string* out) override {
    if (first_) {
      first_ = false;
      *out = "some";
      return true;
    }
    return Error{ErrorCode::kUnavailable, "disk"};
  }

 private:
  bool first_ = true;
};

// Answers /echo with method, query and body; /late from another thread; /drop never; /stream in
// pieces.
class EchoHandler final : public RequestHandler {
 public:
  // Not in the destructor: the last reference may be a thread's own reply.
  void Stop() override {
    std::vector<std::thread> threads;
    {
      const std::lock_guard lock(mutex_);
      threads.swap(threads_);
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
  }
  void Handle(HttpRequest request, Reply reply) override {
    reply->route = "/echo";
    HttpResponse response;
    if (request.path == "/drop") {
      return;
    }
    if (request.path == "/throw") {
      throw std::runtime_error("a secret of ours");
    }
    if (request.path == "/stream") {
      response.stream = std::make_shared<ThreePieces>();
    } else if (request.path == "/broken") {
      response.stream = std::make_shared<BrokenSource>();
    } else if (request.path == "/big") {
      response.body.assign(8UL * 1024 * 1024, 'b');
    } else if (request.path == "/ip") {
      response.body = request.client_ip;
    } else {
      response.body = request.method + "|" + request.query + "|" + request.body;
    }
    if (request.path == "/late") {
      const std::lock_guard lock(mutex_);
      threads_.emplace_back([reply, response]() mutable {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        reply->Send(std::move(response));
      });
      return;
    }
    reply->Send(std::move(response));
  }
  HttpResponse Refuse(const HttpRequest&, int status) override {
    return IngestErrorResponse(status, "refused");
  }

 private:
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

std::unique_ptr<Listener> StartEcho(ServerOptions options = {}) {
  options.listen = "127.0.0.1:0";
  auto listener = Listener::Start(
      std::move(options), [](HttpMetrics*, WorkPool*) { return std::make_unique<EchoHandler>(); });
  EXPECT_TRUE(listener.has_value());
  return std::move(*listener);
}

TEST(ListenerTest, AnswersAndKeepsAlive) {
  const auto listener = StartEcho();
  TestClient client(listener->port());
  for (int i = 0; i < 3; ++i) {
    client.Send("POST /echo/?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    const TestAnswer answer = client.ReadAnswer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "POST|a=1|hello");
  }
}

TEST(ListenerTest, PipelinedAnswersKeepTheirOrder) {
  const auto listener = StartEcho();
  TestClient client(listener->port());
  std::string sent;
  for (int i = 0; i < 200; ++i) {  // more than max_pipelined
    const std::string path = i % 50 == 0 ? "/late" : "/echo";
    sent += "GET " + path + "?n=" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  client.Send(sent);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(client.ReadAnswer().body, "GET|n=" + std::to_string(i) + "|");
  }
}

TEST(ListenerTest, ByteByByteAndChunked) {
  const auto listener = StartEcho();
  TestClient client(listener->port());
  const std::string text =
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n";
  for (const char c : text) {
    client.Send(std::string(1, c));
  }
  EXPECT_EQ(client.ReadAnswer().body, "POST||abcdefg");
  client.Send("HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\nGET /echo?2 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.ReadAnswer(/*head_only=*/true).status, 200);
  EXPECT_EQ(client.ReadAnswer().body, "GET|2|");
}

TEST(ListenerTest, AbsoluteFormTargets) {
  const auto listener = StartEcho();
  TestClient client(listener->port());
  for (const std::string target : {"http://x/echo?a=1", "HTTPS://x:1/echo/?a=1", "http://x?a=1"}) {
    client.Send("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.ReadAnswer().body, "GET|a=1|") << target;
  }
}

TEST(ListenerTest, LongRequestLineAndTooLongHeader) {
  const auto listener = StartEcho();
  const std::string query(limits::kMaxRequestLineBytes, 'q');
  TestClient client(listener->port());
  client.Send("GET /echo?" + query + " HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.ReadAnswer().body.size(), query.size() + 5);
  client.Send("GET /echo HTTP/1.1\r\nHost: x\r\nX: " + std::string(200'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(client.ReadAnswer().status, 431);
  EXPECT_TRUE(client.AtEnd());
}

TEST(ListenerTest, OversizeIsRefusedBeforeItIsRead) {
  const auto listener = StartEcho();
  TestClient client(listener->port());
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\nabc");
  const TestAnswer answer = client.ReadAnswer();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, R"({"code":413,"error":"refused","status":"Request Entity Too Large"})");
  TestClient chunked(listener->port());
  chunked.Send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "100000\r\n" + std::string(0x100000, 'c') + "\r\n";
  for (int i = 0; i < 11; ++i) {
    chunked.Send(chunk);
  }
  EXPECT_EQ(chunked.ReadAnswer().status, 413);
}

TEST(ListenerTest, WholeBodyAtTheLimitIsTaken) {
  const auto listener = StartEcho();
  TestClient client(listener->port());
  const std::string body(limits::kMaxBodyBytes, 'b');
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n");
  EXPECT_EQ(client.ReadAnswer(true).status, 100);
  client.Send(body);
  EXPECT_EQ(client.ReadAnswer().body.size(), body.size() + 6);
}

TEST(ListenerTest, AllBodiesTogetherAreBounded) {
  ServerOptions options;
  options.max_buffered_bytes = 1'000'000;
  const auto listener = StartEcho(options);
  TestClient first(listener->port());
  first.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\nabc");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const std::string second_body(200'000, 's');
  const std::string second = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n";
  TestClient refused(listener->port());
  refused.Send(second);
  EXPECT_EQ(refused.ReadAnswer().status, 503);
  first.Send(std::string(900'000 - 3, 'f'));
  EXPECT_EQ(first.ReadAnswer().status, 200);
  TestClient taken(listener->port());
  taken.Send(second + second_body);
  EXPECT_EQ(taken.ReadAnswer().status, 200);
}

TEST(ListenerTest, MalformedRequestsAreRefused) {
  const auto listener = StartEcho();
  for (const std::string_view text :
       {"NONSENSE\r\n\r\n", "GET / HTTP/3.0\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET / HTTP/1.1\r\nHo st: x\r\n\r\n"}) {
    TestClient client(listener->port());
    client.Send(std::string(text));
    EXPECT_EQ(client.ReadAnswer().status, 400) << text;
    EXPECT_TRUE(client.AtEnd());
  }
}

TEST(ListenerTest, TruncatedRequestsEndQuietly) {
  const auto listener = StartEcho();
  for (const std::string_view text : {"GET /ec",
                                      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-"
                                      "Length: 10\r\n\r\nabc"}) {
    TestClient client(listener->port());
    client.Send(std::string(text));
    client.CloseWriting();
    EXPECT_TRUE(client.AtEnd());
  }
  // A whole request before the client's end is answered.
  TestClient client(listener->port());
  client.Send("GET /late?q HTTP/1.1\r\nHost: x\r\n\r\n");
  client.CloseWriting();
  EXPECT_EQ(client.ReadAnswer().body, "GET|q|");
  EXPECT_TRUE(client.AtEnd());
}

TEST(ListenerTest, SlowClientsAreCutOff) {
  ServerOptions options;
  options.header_timeout_ms = 200;
  options.body_timeout_ms = 200;
  options.idle_timeout_ms = 300;
  const auto listener = StartEcho(options);
  TestClient header(listener->port());
  TestClient body(listener->port());
  TestClient idle(listener->port());
  body.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
  bool header_ended = false;
  for (int i = 0; i < 30 && !header_ended; ++i) {  // one byte now and then does not help
    header_ended = !header.TrySend(i == 0 ? "G" : "E") || header.Readable();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_TRUE(header_ended);
  EXPECT_EQ(header.ReadAnswer().status, 408);
  EXPECT_EQ(body.ReadAnswer().status, 408);
  EXPECT_TRUE(idle.AtEnd());
  EXPECT_EQ(listener->metrics().connections_timed_out.load(), 2U);
}

TEST(ListenerTest, FirstByteComesSoonAndEmptyLinesAreNoSignOfLife) {
  ServerOptions options;
  options.header_timeout_ms = 200;
  options.idle_timeout_ms = 60'000;
  const auto silent_listener = StartEcho(options);
  TestClient silent(silent_listener->port());
  EXPECT_TRUE(silent.AtEnd());
  options.idle_timeout_ms = 300;
  const auto listener = StartEcho(options);
  for (const bool after_a_request : {false, true}) {
    TestClient client(listener->port());
    if (after_a_request) {
      client.Send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
      EXPECT_EQ(client.ReadAnswer().status, 200);
    }
    bool ended = false;
    for (int i = 0; i < 40 && !ended; ++i) {
      ended = !client.TrySend("\r\n") || client.Readable();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_TRUE(ended) << after_a_request;
  }
}

TEST(ListenerTest, ReaderThatTakesNothingIsCutOff) {
  ServerOptions options;
  options.write_timeout_ms = 200;
  const auto listener = StartEcho(options);
  TestClient client(listener->port());
  std::string sent;
  for (int i = 0; i < 8; ++i) {
    sent += "GET /big HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  client.Send(sent);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(listener->metrics().connections_open.load(), 1U);
  for (int i = 0; i < 100 && listener->metrics().connections_open.load() != 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(listener->metrics().connections_open.load(), 0U);
}

TEST(ListenerTest, TooManyConnectionsAreClosed) {
  ServerOptions options;
  options.max_connections = 2;
  const auto listener = StartEcho(options);
  TestClient first(listener->port());
  TestClient second(listener->port());
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  TestClient third(listener->port());
  EXPECT_TRUE(third.AtEnd());
  first.Send("GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(first.ReadAnswer().status, 200);
  EXPECT_TRUE(first.AtEnd());
}

TEST(ListenerTest, StreamsAndBreaksOff) {
  const auto listener = StartEcho();
  TestClient client(listener->port());
  client.Send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\nGET /echo?next HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.ReadAnswer().body, "piece0piece1piece2");
  EXPECT_EQ(client.ReadAnswer().body, "GET|next|");
  TestClient old(listener->port());
  old.Send("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.ReadAll().ends_with("\r\n\r\npiece0piece1piece2"));
  TestClient broken(listener->port());
  broken.Send("GET /broken HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(broken.ReadAll().ends_with("some\r\n"));  // no last chunk
}

TEST(ListenerTest, HandlersThatFailAnswer500WithoutDetail) {
  const auto listener = StartEcho();
  TestClient client(listener->port());
  for (const std::string_view path : {"/throw", "/drop"}) {
    client.Send("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    const TestAnswer answer = client.ReadAnswer();
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.body, R"({"error":"internal error","status":"error"})");
  }
}

TEST(ListenerTest, StopLetsRequestsInFlightFinish) {
  auto listener = StartEcho();
  TestClient busy(listener->port());
  TestClient idle(listener->port());
  busy.Send("GET /late?q HTTP/1.1\r\nHost: x\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  const auto start = std::chrono::steady_clock::now();
  listener->Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_EQ(busy.ReadAnswer().body, "GET|q|");
  EXPECT_TRUE(busy.AtEnd());
  EXPECT_TRUE(idle.AtEnd());
}

TEST(ListenerTest, AccessLogNamesNoTarget) {
  std::mutex mutex;
  std::string lines;
  ServerOptions options;
  options.access_log = [&](const AccessLine& line) {
    const std::lock_guard lock(mutex);
    lines += std::string(line.method) + " " + std::string(line.route) + " " +
             std::to_string(line.status) + "\n";
  };
  {
    const auto listener = StartEcho(options);
    TestClient client(listener->port());
    client.Send("GET /a-needle?needle HTTP/1.1\r\nHost: x\r\n\r\n");
    (void)client.ReadAnswer();
    client.Send("NEEDLE / HTTP/1.1\r\nHost: x\r\n\r\n");
    (void)client.ReadAnswer();
  }
  const std::lock_guard lock(mutex);
  EXPECT_EQ(lines, "GET /echo 200\n- /echo 200\n");
}

TEST(ListenerTest, ForwardedForCountsOnlyFromTrustedProxies) {
  const std::string request =
      "GET /ip HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.1.1.1, 9.9.9.9\r\n\r\n";
  const auto plain = StartEcho();
  TestClient direct(plain->port());
  direct.Send(request);
  EXPECT_EQ(direct.ReadAnswer().body, "127.0.0.1");
  ServerOptions options;
  options.trusted_proxies = {"127.0.0.1"};
  const auto behind = StartEcho(options);
  TestClient proxied(behind->port());
  proxied.Send(request);
  EXPECT_EQ(proxied.ReadAnswer().body, "9.9.9.9");
  // A proxy that adds a line of its own instead of appending to the client's.
  proxied.Send(
      "GET /ip HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.1.1.1\r\nA: b\r\n"
      "x-forwarded-for: 8.8.8.8, 9.9.9.8\r\n\r\n");
  EXPECT_EQ(proxied.ReadAnswer().body, "9.9.9.8");
}

TEST(ListenerTest, PlainHttpListensOnLoopbackOnly) {
  const Listener::HandlerMaker maker = [](HttpMetrics*, WorkPool*) {
    return std::make_unique<EchoHandler>();
  };
  ServerOptions options;
  options.listen = "0.0.0.0:0";
  EXPECT_FALSE(Listener::Start(options, maker).has_value());
  options.allow_plain_http = true;
  EXPECT_TRUE(Listener::Start(options, maker).has_value());
  options.listen = "nonsense";
  EXPECT_FALSE(Listener::Start(options, maker).has_value());
  options.listen = "127.0.0.1:0";
  options.tls_certificate = "no certificate";
  EXPECT_FALSE(Listener::Start(options, maker).has_value());
}

}  // namespace
}  // namespace bulkhead
