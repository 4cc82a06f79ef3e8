#include "main/witness_feed.h"

#include <gtest/gtest.h>

#include "audit/log_fixture.h"
#include "main/witness_record.h"

namespace bulkhead {
namespace {

constexpr const char* kUrl = "http://witness.example:8790";

// A log, what the audit compartment does for it, and a witness that answers in this process.
class WitnessFeedTest : public AuditLogTest {
 protected:
  WitnessFeedTest() {
    WitnessOptions options;
    options.name = "witness.example/w1";
    options.signing_seed = RandomSecret(kKeyBytes);
    options.logs = {TestLogKeys()};
    witness_ = std::move(Witness::Open(*fs_, "/witness", std::move(options))).value();
    log_ = Open();
    record_ = std::move(WitnessRecord::Make(fs_.get(), kTestLogDir, log_.get(),
                                            {witness_->key().ToText()}))
                  .value();
    feed_ = MakeFeed();
  }
  std::unique_ptr<WitnessFeed> MakeFeed() {
    return std::make_unique<WitnessFeed>(
        std::vector<WitnessAddress>{{kUrl}},
        WitnessFeed::Parts{
            .clock = &clock_,
            .prove = [this](uint64_t old_size) { return record_->Prove(old_size); },
            .keep = [this](const std::string& cosigned) { return record_->Keep(cosigned); },
            .post = [this](const std::string& url,
                           const std::string& body) { return Answer(url, body); },
            .log = [this](const std::string& text) { told_.push_back(text); }});
  }
  Result<WitnessReply> Answer(const std::string& url, const std::string& body) {
    EXPECT_EQ(url, std::string(kUrl) + "/add-checkpoint");
    ++posts_;
    if (away_) {
      return Error{ErrorCode::kUnavailable, "no answer"};
    }
    WitnessAnswer answer = witness_->Answer(body);
    return WitnessReply{answer.status, std::move(answer.body)};
  }
  std::string Kept() {
    Result<std::string> kept =
        fs_->ReadWhole(std::string(kTestLogDir) + "/" + CosignedName(witness_->key()));
    return kept ? *kept : "";
  }

  std::unique_ptr<Witness> witness_;
  std::unique_ptr<AuditLog> log_;
  std::unique_ptr<WitnessRecord> record_;
  std::unique_ptr<WitnessFeed> feed_;
  bool away_ = false;
  int posts_ = 0;
  std::vector<std::string> told_;
};

TEST_F(WitnessFeedTest, SubmitsWhatIsNewAndKeepsWhatIsSigned) {
  ASSERT_TRUE(log_->Append(TestReveal()));
  feed_->SubmitDue();
  const std::string first = Kept();
  EXPECT_TRUE(CosignedAt(ParseNote(first).value(), witness_->key()));
  EXPECT_EQ(feed_->stats().cosigned_size, 1U);
  const int before = posts_;
  feed_->SubmitDue();
  EXPECT_EQ(posts_, before);  // nothing is new
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(log_->Append(TestReveal()));
  }
  feed_->SubmitDue();
  EXPECT_EQ(posts_, before + 1);
  EXPECT_EQ(witness_->SizeOf("log.example/audit"), 301U);
  feed_ = MakeFeed();  // after a restart it has to learn what the witness has
  ASSERT_TRUE(log_->Append(TestReveal()));
  feed_->SubmitDue();
  EXPECT_EQ(feed_->stats().cosigned_size, 302U);
  EXPECT_TRUE(log_->CheckNotBehind(Kept()));
  EXPECT_TRUE(told_.empty());
  EXPECT_TRUE(Verify()->strays.empty());
}

TEST_F(WitnessFeedTest, TriesAgainWithPausesAndTellsOnce) {
  ASSERT_TRUE(log_->Append(TestReveal()));
  away_ = true;
  feed_->SubmitDue();
  feed_->SubmitDue();
  EXPECT_EQ(posts_, 1);
  clock_.Set(clock_.NowMs() + WitnessFeed::kFirstPauseMs);
  feed_->SubmitDue();
  EXPECT_EQ(posts_, 2);
  EXPECT_EQ(told_.size(), 1U);
  EXPECT_EQ(feed_->stats().failures, 2U);
  away_ = false;
  clock_.Set(clock_.NowMs() + WitnessFeed::kLongestPauseMs);
  feed_->SubmitDue();
  EXPECT_EQ(feed_->stats().cosigned_size, 1U);
}

TEST_F(WitnessFeedTest, AnOlderCopyOfTheLogIsTold) {
  ASSERT_TRUE(log_->Append(TestReveal()));
  ASSERT_TRUE(log_->Append(TestReveal()));
  feed_->SubmitDue();
  log_.reset();
  fs_ = std::make_unique<FaultyFileSystem>();
  log_ = Open();
  record_ =
      std::move(WitnessRecord::Make(fs_.get(), kTestLogDir, log_.get(), {witness_->key().ToText()}))
          .value();
  ASSERT_TRUE(log_->Append(TestReveal("another history")));
  feed_ = MakeFeed();
  feed_->SubmitDue();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_NE(told_[0].find("has signed 2 entries, more than the log has"), std::string::npos);
  EXPECT_EQ(Kept(), "");
}

TEST_F(WitnessFeedTest, OnlyAWitnessesSignatureOfThisLogIsKept) {
  ASSERT_TRUE(log_->Append(TestReveal()));
  EXPECT_FALSE(record_->Keep(log_->signed_checkpoint()));  // nobody has cosigned it
  EXPECT_FALSE(record_->Keep("nonsense"));
  const SigningKey stranger(RandomSecret(kKeyBytes));
  const NoteKey strangers{NoteKeyKind::kWitness, "stranger", stranger.public_key()};
  const SignedNote note = ParseNote(log_->signed_checkpoint()).value();
  EXPECT_FALSE(record_->Keep(log_->signed_checkpoint() +
                             SignatureLine(Cosign(note.text, strangers, stranger, 1))));
  EXPECT_EQ(Kept(), "");
  EXPECT_FALSE(WitnessRecord::Make(fs_.get(), kTestLogDir, log_.get(), {"nonsense"}));
  feed_->SubmitDue();
  const std::string older = Kept();
  ASSERT_TRUE(log_->Append(TestReveal()));
  feed_->SubmitDue();
  const std::string newer = Kept();
  EXPECT_NE(older, newer);
  EXPECT_TRUE(record_->Keep(older));  // changes nothing
  EXPECT_EQ(Kept(), newer);
}

}  // namespace
}  // namespace bulkhead
