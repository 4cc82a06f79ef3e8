// The page /notice over real sockets, with an egress that answers as it is told.
#include "http/notice_routes.h"

#include <gtest/gtest.h>

#include <atomic>

#include "http/test_client.h"
#include "incident/notice_code.h"

namespace bulkhead {
namespace {

constexpr int64_t kNow = 1'764'000'000'000;

std::string GoodCode() {
  return NoticeCodes(SecretBytes(std::string(kKeyBytes, 'c'))).Of("2025-11-26-1", "a@example.org");
}

NoticeAnswer Yes() {
  FoundRecipient found;
  found.version = 1;
  found.entry = 41;
  found.vendor = "acme";
  found.happening = "An <attacker> exported data.";
  found.told_ms = kNow;
  found.fields = {{"plan\"<b>", FieldForm::kPlain}};
  NoticeAnswer answer = AnswerYes("asked", kNow, "2025-11-26-1", found);
  SignAnswer(SigningKey(SecretBytes(std::string(kKeyBytes, 's'))), &answer);
  return answer;
}

class NoticeRoutesTest : public testing::Test {
 protected:
  void SetUp() override {
    InitCrypto();
    ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.trusted_proxies = {"127.0.0.1"};
    Services services;
    services.clock = &clock_;
    services.serve_queries = false;
    services.notice_check = [this](const NoticeQuestion& question) -> Result<NoticeAnswer> {
      ++asked_;
      if (down_) return Error{ErrorCode::kUnavailable, "egress is not running"};
      return question.address == "a@example.org" ? Yes() : AnswerNo("asked", kNow);
    };
    services.notice_keys = [] { return Result<std::string>("PEM\n"); };
    server_ = std::move(HttpServer::Start(options, services)).value();
  }
  TestAnswer Ask(const std::string& request) {
    TestClient client(server_->port());
    client.Send(request);
    return client.ReadAnswer();
  }
  TestAnswer Post(const std::string& body, const std::string& more = "",
                  const std::string& client = "203.0.113.1") {
    return Ask("POST /notice HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: " + client +
               "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n" + more + "\r\n" + body);
  }

  ManualClock clock_{kNow};
  std::atomic<int> asked_{0};
  std::atomic<bool> down_{false};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(NoticeRoutesTest, TheFormNeedsNothingAndLoadsNothing) {
  const TestAnswer form = Ask("GET /notice HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(form.status, 200);
  EXPECT_NE(form.body.find("<form method=\"post\" action=\"/notice\""), std::string::npos);
  EXPECT_EQ(form.body.find("<script"), std::string::npos);
  EXPECT_EQ(form.body.find("http"), std::string::npos) << "nothing from elsewhere";
  EXPECT_NE(form.Header("Content-Security-Policy").find("frame-ancestors 'none'"),
            std::string::npos);
  EXPECT_EQ(form.Header("Cache-Control"), "no-store");
  EXPECT_EQ(form.Header("Referrer-Policy"), "no-referrer");
  EXPECT_EQ(form.Header("Set-Cookie"), "");
  EXPECT_EQ(Ask("PUT /notice HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").status, 405);
  EXPECT_EQ(Ask("GET /notice/key HTTP/1.1\r\nHost: x\r\n\r\n").body, "PEM\n");
}

TEST_F(NoticeRoutesTest, AnswersAsPageAndAsJson) {
  const std::string body = "code=" + GoodCode() + "&address=a%40example.org";
  const TestAnswer page = Post(body);
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("Yes, this notice is ours"), std::string::npos);
  EXPECT_NE(page.body.find("An &lt;attacker&gt; exported data."), std::string::npos);
  EXPECT_EQ(page.body.find("<b>"), std::string::npos) << "a field's name is escaped";
  const TestAnswer json = Post(body, "Accept: application/json\r\n");
  EXPECT_NE(json.body.find(R"("answer":"yes")"), std::string::npos);
  EXPECT_NE(json.body.find(R"("entry":41)"), std::string::npos);
  const std::string other = "code=" + GoodCode() + "&address=b%40example.org";
  EXPECT_NE(Post(other).body.find("No, we know of no such notice"), std::string::npos);
  EXPECT_NE(Post(other, "Accept: application/json\r\n").body.find(R"("answer":"no")"),
            std::string::npos);
}

TEST_F(NoticeRoutesTest, WhatIsMistypedIsSaidWithoutAsking) {
  std::string code = GoodCode();
  code.back() = code.back() == 'A' ? 'B' : 'A';
  const TestAnswer page = Post("code=" + code + "&address=%22%3E%3Cb%3E%40x");
  EXPECT_EQ(page.status, 400);
  EXPECT_NE(page.body.find("typing mistake"), std::string::npos);
  EXPECT_EQ(page.body.find("\"><b>"), std::string::npos) << "what was typed is escaped";
  const std::vector<std::string> incomplete = {
      "",
      "code=" + GoodCode(),
      "address=a%40example.org",
      "code=" + GoodCode() + "&code=x&address=a",
      "code=%zz&address=a",
      "code=" + GoodCode() + "&address=" + std::string(600, 'a'),
      std::string(5000, 'a')};
  for (size_t i = 0; i < incomplete.size(); ++i) {
    EXPECT_EQ(Post(incomplete[i], "", "203.0.113." + std::to_string(i + 2)).status, 400) << i;
  }
  EXPECT_EQ(asked_, 0);
}

TEST_F(NoticeRoutesTest, OnlySoManyOfOneAddress) {
  const std::string body = "code=" + GoodCode() + "&address=a%40example.org";
  for (int i = 0; i < NoticeRate::kAtOnce; ++i) EXPECT_EQ(Post(body).status, 200);
  const TestAnswer refused = Post(body);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.Header("Retry-After"), "60");
  EXPECT_EQ(Post(body, "", "203.0.113.2").status, 200);
  clock_.Set(kNow + NoticeRate::kOneEveryMs);
  EXPECT_EQ(Post(body).status, 200);
  EXPECT_EQ(Post(body).status, 429);
}

TEST_F(NoticeRoutesTest, WithoutEgressItIsSaidToBeTriedLater) {
  down_ = true;
  const TestAnswer page = Post("code=" + GoodCode() + "&address=a%40example.org");
  EXPECT_EQ(page.status, 503);
  EXPECT_NE(page.body.find("cannot be checked at this moment"), std::string::npos);
  EXPECT_EQ(page.body.find("egress"), std::string::npos);
}

TEST(NoticeRateTest, AllTogetherAreBoundedToo) {
  ManualClock clock(kNow);
  NoticeRate rate(&clock);
  int allowed = 0;
  for (int i = 0; i < 1000; ++i) {
    allowed += rate.May("203.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)) ? 1 : 0;
  }
  EXPECT_EQ(allowed, NoticeRate::kAllAtOnce);
  clock.Set(kNow + 1000);
  EXPECT_TRUE(rate.May("198.51.100.1"));
  NoticeRate other(&clock);
  int of_network = 0;
  for (int i = 0; i < 20; ++i) of_network += other.May("2001:db8::" + std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(of_network, NoticeRate::kAtOnce);
  EXPECT_TRUE(other.May("2001:db8:0:1::1"));
}

}  // namespace
}  // namespace bulkhead
