#include "http/relay.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

#include "http/work_pool.h"

namespace bulkhead {
namespace {

// The other side of each connection that the relay asks for: reads one request after another.
class Answerer {
 public:
  enum class Way { kAnswer, kHangUpAfterRequest, kHangUpAfterAnswer };

  Result<Descriptor> Connect() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ++connections;
    threads_.emplace_back([this, end = Descriptor(ends[1])] { Serve(end.get()); });
    return Descriptor(ends[0]);
  }
  ~Answerer() {
    for (std::thread& thread : threads_) thread.join();
  }

  std::atomic<int> connections{0};
  std::atomic<int> requests{0};
  std::atomic<Way> way{Way::kAnswer};

 private:
  void Serve(int fd) {
    char bytes[4096];
    while (::read(fd, bytes, sizeof bytes) > 0) {
      ++requests;
      if (way == Way::kHangUpAfterRequest) return;
      const std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
      if (::write(fd, answer.data(), answer.size()) < 0) return;
      if (way == Way::kHangUpAfterAnswer) return;
    }
  }
  std::vector<std::thread> threads_;
};

class RelayTest : public testing::Test {
 protected:
  HttpResponse Ask() {
    std::promise<HttpResponse> promise;
    auto reply = std::make_shared<Responder>();
    reply->SetSink([&](HttpResponse response) { promise.set_value(std::move(response)); });
    HttpRequest request;
    request.method = "POST";
    request.path = "/api/v1/query";
    request.body = "{}";
    relay_->Handle(std::move(request), reply);
    return promise.get_future().get();
  }
  void TearDown() override {
    pool_.Stop();
    relay_.reset();
  }

  Answerer answerer_;
  WorkPool pool_{1, 8};
  std::unique_ptr<Relay> relay_ =
      std::make_unique<Relay>([this] { return answerer_.Connect(); }, &pool_);
};

TEST_F(RelayTest, AConnectionServesMoreThanOneRequest) {
  EXPECT_EQ(Ask().body, "ok");
  EXPECT_EQ(Ask().body, "ok");
  EXPECT_EQ(answerer_.connections, 1);
  EXPECT_EQ(answerer_.requests, 2);
}

TEST_F(RelayTest, WhatMayHaveBeenCarriedOutIsNotSentAgain) {
  EXPECT_EQ(Ask().status, 200);
  answerer_.way = Answerer::Way::kHangUpAfterRequest;
  EXPECT_EQ(Ask().status, 503);
  EXPECT_EQ(answerer_.requests, 2);
}

TEST_F(RelayTest, AKeptConnectionThatHasDiedIsNotUsed) {
  answerer_.way = Answerer::Way::kHangUpAfterAnswer;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Ask().status, 200);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(answerer_.requests, 20);
}

}  // namespace
}  // namespace bulkhead
