#include "http/export_stream.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <atomic>

#include "http/client_address.h"
#include "http/engage_sessions.h"

namespace bulkhead {
namespace {

std::string ReadAll(BodySource* source, bool* failed) {
  std::string all;
  for (;;) {
    const Result<bool> more = source->Next(&all);
    *failed = !more;
    if (!more || !*more) {
      return all;
    }
  }
}

std::string Gunzip(std::string text) {
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  std::string out;
  std::array<Bytef, 4096> piece{};
  int code = Z_OK;
  while (code == Z_OK) {
    stream.next_out = piece.data();
    stream.avail_out = piece.size();
    code = inflate(&stream, Z_NO_FLUSH);
    out.append(reinterpret_cast<const char*>(piece.data()), piece.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  return code == Z_STREAM_END ? out : "not gzip";
}

ExportRunner::Export Lines(int count) {
  return [count](const ExportRunner::Sink& sink) -> Result<void> {
    for (int i = 0; i < count && sink("line " + std::to_string(i) + "\n"); ++i) {
    }
    return {};
  };
}

TEST(ExportStreamTest, ComesWholeAndCompressed) {
  ExportRunner runner(2);
  bool failed = true;
  const auto plain = runner.Start(Lines(100'000));
  ASSERT_TRUE(plain.has_value());
  const std::string text = ReadAll(plain->get(), &failed);
  EXPECT_FALSE(failed);
  EXPECT_TRUE(text.ends_with("line 99999\n"));
  const auto zipped = runner.Start(Lines(100'000));
  ASSERT_TRUE(zipped.has_value());
  EXPECT_EQ(Gunzip(ReadAll(MakeGzipSource(*zipped).get(), &failed)), text);
  const auto empty = runner.Start(Lines(0));
  ASSERT_TRUE(empty.has_value());
  EXPECT_EQ(Gunzip(ReadAll(MakeGzipSource(*empty).get(), &failed)), "");
}

TEST(ExportStreamTest, FailureReachesTheReader) {
  ExportRunner runner(1);
  const auto source = runner.Start([](const ExportRunner::Sink& sink) -> Result<void> {
    (void)sink("some");
    return Error{ErrorCode::kCorruption, "segment"};
  });
  bool failed = false;
  (void)ReadAll(source->get(), &failed);
  EXPECT_TRUE(failed);
}

TEST(ExportStreamTest, AClientThatLeavesEndsTheExport) {
  ExportRunner runner(1);
  std::atomic<bool> ended{false};
  {
    const auto source = runner.Start([&](const ExportRunner::Sink& sink) -> Result<void> {
      while (sink(std::string(100'000, 'x'))) {
      }
      ended = true;
      return {};
    });
    EXPECT_FALSE(runner.Start(Lines(1)).has_value());  // one at a time here
    std::string piece;
    EXPECT_TRUE(*(*source)->Next(&piece));
    EXPECT_LT(piece.size(), 3'000'000U);
  }
  runner.Stop();
  EXPECT_TRUE(ended);
  EXPECT_FALSE(runner.Start(Lines(1)).has_value());
}

TEST(ExportStreamTest, AcceptEncoding) {
  for (const std::string_view yes :
       {"gzip", "deflate, gzip", "gzip;q=1.0, *;q=0.5", "*", "br,gzip;q=0.1"}) {
    EXPECT_TRUE(AcceptsGzip(yes)) << yes;
  }
  for (const std::string_view no : {"", "identity", "gzip;q=0", "gzip; q=0.0", "xgzip", ",,"}) {
    EXPECT_FALSE(AcceptsGzip(no)) << no;
  }
}

TEST(EngageSessionsTest, BoundToTheCallerAndToTime) {
  EngageSessions sessions;
  const Caller caller{"reader", ProjectId{1}};
  PeopleReport report;
  report.output_properties = {"plan"};
  const std::string id = sessions.Add(caller, report, 1000);
  const auto found = sessions.Find(caller, id, 2000);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->output_properties, report.output_properties);
  EXPECT_FALSE(sessions.Find(Caller{"other", ProjectId{1}}, id, 2000).has_value());
  EXPECT_FALSE(sessions.Find(Caller{"reader", ProjectId{2}}, id, 2000).has_value());
  EXPECT_FALSE(sessions.Find(caller, "1-A", 2000).has_value());
  EXPECT_FALSE(sessions.Find(caller, id, 2001 + EngageSessions::kMaxIdleMs).has_value());
  for (size_t i = 0; i < EngageSessions::kMaxSessions; ++i) {
    (void)sessions.Add(caller, report, 2000);
  }
  EXPECT_FALSE(sessions.Find(caller, id, 2000).has_value());
}

TEST(ClientAddressTest, ForwardedFor) {
  const auto proxies = TrustedProxies::Parse({"10.0.0.1", "::1", "10.0.0.2"});
  ASSERT_TRUE(proxies.has_value());
  EXPECT_EQ(proxies->ClientIp("8.8.8.8", "1.2.3.4"), "8.8.8.8");
  EXPECT_EQ(proxies->ClientIp("10.0.0.1", "1.2.3.4"), "1.2.3.4");
  EXPECT_EQ(proxies->ClientIp("10.0.0.1", "6.6.6.6, 1.2.3.4 , 10.0.0.2"), "1.2.3.4");
  EXPECT_EQ(proxies->ClientIp("::ffff:10.0.0.1", "2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(proxies->ClientIp("10.0.0.1", "nonsense"), "10.0.0.1");
  EXPECT_EQ(proxies->ClientIp("10.0.0.1", ""), "10.0.0.1");
  EXPECT_FALSE(TrustedProxies::Parse({"proxy.example"}).has_value());
}

TEST(ClientAddressTest, ListenAddresses) {
  const auto listen = ParseListenAddress("[::1]:80");
  ASSERT_TRUE(listen.has_value());
  EXPECT_TRUE(listen->loopback);
  EXPECT_EQ(listen->port, 80);
  EXPECT_TRUE(ParseListenAddress("localhost:1")->loopback);
  EXPECT_FALSE(ParseListenAddress(":1")->loopback);
  for (const std::string_view wrong : {"", "1.2.3.4", "1.2.3.4:", "1.2.3.4:99999", "x:1", "::1"}) {
    EXPECT_FALSE(ParseListenAddress(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace bulkhead
