#include "vault/vault_messages.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

const VaultAsker kAsker{ProjectId{7}, "ann", "support request", "t 1"};

std::vector<VaultCall> SomeCalls() {
  return {RevealCall{kAsker, {SubjectId{{1}}, SubjectId{{2}}}, {"$email", "$name"}, true, false},
          FindCall{kAsker, "jane@example.com"},
          PseudonymCall{kAsker, {"a", "", "$device:x"}},
          EraseCall{kAsker, {SubjectId{{3}}}},
          StatusCall{},
          ExportAskCall{kAsker, {}, {"$email"}, false, {1, 2, 3}},
          ExportListCall{ProjectId{9}},
          ExportVetoCall{kAsker, "0123"},
          ExportPageCall{kAsker, "0123", SubjectId{{5}}},
          RotateCall{100},
          HoldingsCall{{ProjectId{2}, "ann", "", ""}, {}}};
}

TEST(VaultMessagesTest, EveryCallComesBackAsItWasSent) {
  for (const VaultCall& call : SomeCalls()) {
    const std::string bytes = EncodeVaultCall(call);
    const Result<VaultCall> read = DecodeVaultCall(bytes);
    ASSERT_TRUE(read) << call.index();
    EXPECT_EQ(read->index(), call.index());
    EXPECT_EQ(EncodeVaultCall(*read), bytes);
  }
  const Result<VaultCall> reveal = DecodeVaultCall(EncodeVaultCall(SomeCalls()[0]));
  const RevealCall& call = std::get<RevealCall>(*reveal);
  EXPECT_EQ(call.asker.project, ProjectId{7});
  EXPECT_EQ(call.asker.purpose, "support request");
  EXPECT_EQ(call.subjects[1], SubjectId{{2}});
  EXPECT_EQ(call.fields[1], "$name");
  EXPECT_TRUE(call.history);
}

TEST(VaultMessagesTest, CutLengthenedAndUnknownCallsAreRefused) {
  for (const VaultCall& call : SomeCalls()) {
    const std::string bytes = EncodeVaultCall(call);
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(DecodeVaultCall(bytes.substr(0, size))) << call.index() << " " << size;
    }
    EXPECT_FALSE(DecodeVaultCall(bytes + '\0'));
    std::string other = bytes;
    other[0] = 2;
    EXPECT_FALSE(DecodeVaultCall(other));
    other = bytes;
    other[1] = 99;
    EXPECT_FALSE(DecodeVaultCall(other));
  }
}

TEST(VaultMessagesTest, LimitsHold) {
  const std::vector<SubjectId> subjects(kMaxCallSubjects + 1);
  EXPECT_FALSE(DecodeVaultCall(EncodeVaultCall(EraseCall{kAsker, subjects})));
  const std::string long_text(kMaxCallTextBytes + 1, 'x');
  EXPECT_FALSE(DecodeVaultCall(EncodeVaultCall(FindCall{kAsker, long_text})));
  EXPECT_FALSE(DecodeVaultCall(EncodeVaultCall(PseudonymCall{kAsker, {long_text}})));
  const std::vector<std::string> fields(kMaxCallFields + 1, "f");
  EXPECT_FALSE(DecodeVaultCall(EncodeVaultCall(RevealCall{kAsker, {}, fields, false, false})));
  EXPECT_FALSE(DecodeVaultCall(std::string(kMaxCallBytes + 1, '\1')));
}

TEST(VaultMessagesTest, AnswersComeBackWithTheirValues) {
  RevealAnswer revealed;
  revealed.subjects.resize(1);
  revealed.subjects[0].subject = SubjectId{{4}};
  revealed.subjects[0].fields.push_back(
      {"$email", SecretBytes(std::string_view("jane@example.com")), 1, 2, true, true});
  revealed.subjects_left = 3;
  const Result<VaultAnswer> read =
      DecodeVaultAnswer(EncodeVaultAnswer(VaultAnswer(std::move(revealed))).view());
  ASSERT_TRUE(read);
  const RevealAnswer& answer = std::get<RevealAnswer>(*read);
  EXPECT_EQ(answer.subjects[0].fields[0].value.view(), "jane@example.com");
  EXPECT_EQ(answer.subjects[0].fields[0].last_seen_ms, 2);
  EXPECT_EQ(answer.subjects_left, 3U);

  StatusAnswer status;
  for (const std::optional<uint64_t> position : {std::optional<uint64_t>(), {0}, {77}}) {
    status.applied_position = position;
    const Result<VaultAnswer> back =
        DecodeVaultAnswer(EncodeVaultAnswer(VaultAnswer(status)).view());
    ASSERT_TRUE(back);
    EXPECT_EQ(std::get<StatusAnswer>(*back).applied_position, position);
  }
}

TEST(VaultMessagesTest, RefusalsComeBackAsErrors) {
  const Result<VaultAnswer> refused = DecodeVaultAnswer(
      EncodeVaultAnswer(Error{ErrorCode::kLimit, "the budget is used up"}).view());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  EXPECT_EQ(refused.error().message, "the budget is used up");
  EXPECT_EQ(DecodeVaultAnswer("").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(DecodeVaultAnswer(std::string("\1\0\77x", 4)).error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace bulkhead
