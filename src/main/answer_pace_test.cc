#include "main/answer_pace.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

constexpr uint64_t kFar = 100UL * 1024 * 1024;

TEST(AnswerPace, AnswersAtOnceWhereTheStoreKeepsUp) {
  AnswerPace pace(0);
  bool answered = false;
  pace.Answer(1000, [&] { answered = true; });
  EXPECT_TRUE(answered);
}

TEST(AnswerPace, WaitsForTheStoreInOrder) {
  AnswerPace pace(0);
  std::vector<int> answers;
  std::mutex mutex;
  const auto note = [&](int which) {
    const std::lock_guard lock(mutex);
    answers.push_back(which);
  };
  pace.Answer(kFar, [&] { note(1); });
  pace.Answer(2 * kFar, [&] { note(2); });
  pace.Applied(kFar);
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(answers, std::vector<int>{1});
  }
  pace.Applied(2 * kFar);
  const std::lock_guard lock(mutex);
  EXPECT_EQ(answers, (std::vector<int>{1, 2}));
}

TEST(AnswerPace, AStoreThatStandsStillHoldsNoAnswerForLong) {
  AnswerPace pace(0);
  std::atomic<bool> answered{false};
  pace.Answer(kFar, [&] { answered = true; });
  for (int i = 0; i < 500 && !answered; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(answered);
}

TEST(AnswerPace, ItsEndAnswersWhatIsLeft) {
  bool answered = false;
  {
    AnswerPace pace(0);
    pace.Answer(kFar, [&] { answered = true; });
  }
  EXPECT_TRUE(answered);
}

}  // namespace
}  // namespace bulkhead
