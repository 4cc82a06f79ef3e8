#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "base/byte_codec.h"
#include "channel/message_socket.h"
#include "channel/rpc_client.h"
#include "channel/rpc_server.h"
#include "channel/status_board.h"

namespace bulkhead {
namespace {

std::pair<Descriptor, Descriptor> Pair(bool messages) {
  Result<std::pair<Descriptor, Descriptor>> ends = messages ? MakeMessagePair() : MakeStreamPair();
  EXPECT_TRUE(ends);
  return *std::move(ends);
}

TEST(MessageSocketTest, CarriesBytesAndDescriptors) {
  auto [a, b] = Pair(true);
  auto [given, kept] = Pair(false);
  MessageSocket sender(std::move(a));
  MessageSocket receiver(std::move(b));
  ASSERT_TRUE(sender.Send(7, std::string("a\0b", 3), {given.get()}));
  Result<Message> message = receiver.Receive();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, 7);
  EXPECT_EQ(message->body, std::string("a\0b", 3));
  ASSERT_EQ(message->descriptors.size(), 1U);
  ASSERT_EQ(::send(message->descriptors[0].get(), "x", 1, 0), 1);
  char byte = 0;
  EXPECT_EQ(::recv(kept.get(), &byte, 1, 0), 1);
}

TEST(MessageSocketTest, SaysThatTheOtherEndIsGoneAndThatAMessageIsTooLong) {
  auto [a, b] = Pair(true);
  MessageSocket socket(std::move(a));
  EXPECT_EQ(socket.Send(1, std::string(kMaxMessageBytes, 'x')).error().code, ErrorCode::kLimit);
  b.Close();
  EXPECT_EQ(socket.Receive().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(socket.Send(1, "").error().code, ErrorCode::kUnavailable);
}

TEST(RpcTest, ManyCallsAtOnceGetTheirOwnAnswers) {
  RpcServer server(4, [](const RpcCaller& caller, uint8_t kind, std::string_view body) {
    return kind == 2 ? Result<std::string>(Error{ErrorCode::kDenied, "no"})
                     : Result<std::string>(caller.compartment + ":" + std::string(body));
  });
  RpcClient client;
  auto [a, b] = Pair(false);
  server.Attach({"core"}, std::move(a));
  client.Attach(std::move(b));
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const std::string body = std::to_string(t) + "/" + std::to_string(i);
        const Result<std::string> answer = client.Call(1, body);
        right += answer && *answer == "core:" + body ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(right.load(), 1600);
  const Result<std::string> denied = client.Call(2, "");
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, ErrorCode::kDenied);
  EXPECT_EQ(denied.error().message, "no");
}

TEST(RpcTest, ACallWhoseServerEndsFailsAndTheNextOneGoesOn) {
  RpcClient client;
  auto [a, b] = Pair(false);
  client.Attach(std::move(b));
  std::thread closer([end = std::move(a)]() mutable {
    static_cast<void>(ReadRpcFrame(end.get()).has_value());
    end.Close();
  });
  EXPECT_EQ(client.Call(1, "").error().code, ErrorCode::kUnavailable);
  closer.join();
  RpcServer server(
      1, [](const RpcCaller&, uint8_t, std::string_view) { return Result<std::string>("again"); });
  auto [c, d] = Pair(false);
  server.Attach({"x"}, std::move(c));
  client.Attach(std::move(d));
  const Result<std::string> answer = client.Call(1, "");
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, "again");
}

TEST(RpcTest, AFrameThatSaysItIsTooLongEndsTheStream) {
  std::atomic<int> asked{0};
  RpcServer server(1, [&asked](const RpcCaller&, uint8_t, std::string_view) {
    ++asked;
    return Result<std::string>("");
  });
  auto [a, b] = Pair(false);
  server.Attach({"x"}, std::move(a));
  std::string header;
  ByteWriter writer(&header);
  writer.Fixed(uint32_t{0xffffffff});
  writer.Fixed(uint64_t{1});
  writer.Byte(1);
  ASSERT_EQ(::send(b.get(), header.data(), header.size(), 0), 13);
  ::shutdown(b.get(), SHUT_WR);
  const timeval patience{1, 0};
  ::setsockopt(b.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  EXPECT_FALSE(ReadRpcFrame(b.get()));
  EXPECT_EQ(asked.load(), 0);
}

TEST(StatusBoardTest, ReadersSeeWhatTheOwnerWroteAndCannotWrite) {
  Result<std::unique_ptr<StatusBoard>> owner = StatusBoard::Make();
  ASSERT_TRUE(owner);
  Result<Descriptor> descriptor = (*owner)->ReadOnlyDescriptor();
  ASSERT_TRUE(descriptor);
  Result<std::unique_ptr<StatusBoard>> reader = StatusBoard::Map(*descriptor, false);
  ASSERT_TRUE(reader);
  (*owner)->Set(3, 42);
  (*owner)->SetText(1, "hello");
  EXPECT_EQ((*reader)->Get(3), 42U);
  EXPECT_EQ((*reader)->Text(1), "hello");
  EXPECT_EQ((*reader)->Text(0), "");
  EXPECT_FALSE(StatusBoard::Map(*descriptor, true));  // the system refuses
  (*owner)->SetText(1, std::string(kBoardTextBytes + 5, 'x'));
  EXPECT_EQ((*reader)->Text(1).size(), kBoardTextBytes);
}

TEST(StatusBoardTest, AWaitEndsWithAChange) {
  Result<std::unique_ptr<StatusBoard>> board = StatusBoard::Make();
  ASSERT_TRUE(board);
  const uint32_t seen = (*board)->changes();
  std::thread writer([&] { (*board)->Set(1, 1); });
  while ((*board)->Get(1) == 0) {
    (*board)->WaitForChange(seen, std::chrono::milliseconds(1000));
  }
  writer.join();
  EXPECT_NE((*board)->changes(), seen);
}

}  // namespace
}  // namespace bulkhead
