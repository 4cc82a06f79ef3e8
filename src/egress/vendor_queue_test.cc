#include "egress/vendor_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/faulty_file_system.h"
#include "crypto/crypto.h"

namespace bulkhead {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

class VendorQueueTest : public testing::Test {
 protected:
  VendorQueueTest() {
    InitCrypto();
    keys_ = GenerateSealKeyPair();
    Open();
  }
  void Open() {
    Result<std::unique_ptr<VendorQueue>> queue =
        VendorQueue::Open(*fs_, "queue", keys_, {.max_bytes = 40 * kMiB});
    ASSERT_TRUE(queue) << queue.error().message;
    queue_ = *std::move(queue);
  }
  static std::string Payload(int number) {
    return std::string(kMiB, static_cast<char>('a' + number % 26)) + std::to_string(number);
  }
  std::vector<std::string> TakeAll() {
    std::vector<std::string> all;
    for (Result<std::optional<QueuedPayload>> taken = queue_->Take(); taken && *taken;
         taken = queue_->Take()) {
      all.push_back((*taken)->payload);
    }
    return all;
  }

  std::unique_ptr<FaultyFileSystem> fs_ = std::make_unique<FaultyFileSystem>();
  SealKeyPair keys_;
  std::unique_ptr<VendorQueue> queue_;
};

TEST_F(VendorQueueTest, GivesInOrderWhatIsNotDoneAlsoAfterARestart) {
  EXPECT_TRUE(queue_->empty());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(queue_->Put(Payload(i)));
  }
  const Result<std::optional<QueuedPayload>> first = queue_->Take();
  ASSERT_TRUE(first && *first);
  ASSERT_TRUE(queue_->Done((*first)->next_position));
  queue_.reset();
  Open();
  EXPECT_EQ(TakeAll(), (std::vector<std::string>{Payload(1), Payload(2)}));
  queue_->Rewind();
  EXPECT_EQ(TakeAll().size(), 2U);
}

TEST_F(VendorQueueTest, AFullQueueTakesNothingAndCanBeWrittenAnew) {
  int count = 0;
  Result<void> put = queue_->Put(Payload(count));
  while (put) {
    put = queue_->Put(Payload(++count));
  }
  EXPECT_EQ(put.error().code, ErrorCode::kLimit);
  ASSERT_GT(count, 30);
  const Result<void> written =
      queue_->Rewrite([](std::string payload) -> Result<std::optional<std::string>> {
        return payload.ends_with("7") ? std::optional<std::string>()
                                      : std::optional<std::string>(std::move(payload));
      });
  ASSERT_TRUE(written) << written.error().message;
  std::vector<std::string> expected;
  for (int i = 0; i < count; ++i) {
    if (i % 10 != 7) {
      expected.push_back(Payload(i));
    }
  }
  EXPECT_EQ(TakeAll(), expected);
  EXPECT_LE(queue_->bytes(), 40 * kMiB);
}

TEST_F(VendorQueueTest, AChangeThatFailsLosesNothingAndMovesNothingTwice) {
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(queue_->Put(Payload(i)));
  }
  int seen = 0;
  EXPECT_FALSE(queue_->Rewrite([&seen](std::string payload) -> Result<std::optional<std::string>> {
    if (++seen == 11) {
      return Error{ErrorCode::kUnavailable, "not now"};
    }
    return std::optional<std::string>(std::move(payload));
  }));
  queue_->Rewind();
  const std::vector<std::string> all = TakeAll();
  const std::set<std::string> different(all.begin(), all.end());
  EXPECT_EQ(different.size(), 12U);
  EXPECT_LE(all.size(), 12U + 4U);  // what had not been removed yet
}

}  // namespace
}  // namespace bulkhead
