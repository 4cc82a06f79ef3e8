#include "audit/audit_log.h"

#include <atomic>
#include <chrono>
#include <thread>

#include "audit/log_fixture.h"

namespace bulkhead {
namespace {

TEST_F(AuditLogTest, ANewLogIsEmptyAndSigned) {
  const std::unique_ptr<AuditLog> log = Open();
  EXPECT_EQ(log->size(), 0U);
  const Result<Checkpoint> checkpoint = OpenCheckpoint(log->signed_checkpoint(), TestLogKeys());
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->size, 0U);
  EXPECT_EQ(checkpoint->root, EmptyTreeRoot());
  ASSERT_TRUE(Verify()) << Verify().error().message;
}

// The entry of docs/formats/audit.md, byte for byte.
TEST_F(AuditLogTest, AnEntryIsWhatThePageDraws) {
  AuditEntry entry = TestReveal();
  entry.approval = "ap-9";
  entry.budget_left = 41;
  entry.fields = {"$email", "$name"};
  entry.policy = "3";
  entry.scope = "2 persons";
  const Result<AuditReceipt> receipt = Open()->Append(entry);
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->index, 0U);
  EXPECT_EQ(receipt->tree_size, 1U);
  EXPECT_EQ(receipt->ts_ms, 1'764'000'000'123);
  const std::string bundle = *fs_->ReadWhole(Path("tile/entries/000.p/1"));
  EXPECT_EQ(
      bundle.substr(2),
      "{\"action\":\"reveal\",\"actor\":\"bulkhead.0011.mp-service-account\","
      "\"approval\":\"ap-9\",\"budget_left\":41,\"count\":7,\"fields\":[\"$email\",\"$name\"],"
      "\"index\":0,\"outcome\":\"allowed\",\"policy\":\"3\",\"project\":1,"
      "\"purpose\":\"ticket 4711\",\"scope\":\"2 persons\","
      "\"ts\":\"2025-11-24T16:00:00.123Z\",\"v\":2}");
}

TEST_F(AuditLogTest, GoesOnAfterReopeningAcrossTiles) {
  for (const int more : {1, 2, 252, 1, 1, 255, 300}) {
    Fill(static_cast<uint64_t>(more));
    ASSERT_TRUE(Verify()) << Verify().error().message;
  }
  const Result<AuditLogReport> report = Verify();
  EXPECT_EQ(report->checkpoint.size, 812U);
  EXPECT_TRUE(report->strays.empty());
  EXPECT_TRUE(fs_->Exists(Path("tile/entries/002")));
  EXPECT_FALSE(fs_->Exists(Path("tile/entries/002.p")));
  EXPECT_TRUE(fs_->Exists(Path("tile/entries/003.p/44")));
  EXPECT_TRUE(fs_->Exists(Path("tile/1/000.p/3")));
  const std::unique_ptr<AuditLog> log = Open();
  AuditReader reader = *log->Read();
  EXPECT_EQ(reader.Record(700)->entry.purpose, "ticket 188");
}

TEST_F(AuditLogTest, TimeNeverGoesBack) {
  const std::unique_ptr<AuditLog> log = Open();
  ASSERT_TRUE(log->Append(TestReveal()));
  clock_.Set(5);
  EXPECT_EQ(log->Append(TestReveal())->ts_ms, 1'764'000'000'123);
  EXPECT_EQ(Open()->Append(TestReveal())->ts_ms, 1'764'000'000'123);
  clock_.Set(INT64_MAX);
  EXPECT_TRUE(log->Append(TestReveal()));
  EXPECT_TRUE(Verify());
}

TEST_F(AuditLogTest, RefusesWhatMustNotBeKeptForEver) {
  const std::unique_ptr<AuditLog> log = Open();
  AuditEntry nobody = TestReveal();
  nobody.actor.clear();
  AuditEntry many = TestErasure(TestSubject(1));
  many.subjects.resize(1001);
  AuditEntry field = TestReveal();
  field.fields = {"jane@example.com"};
  for (const AuditEntry& wrong : {TestReveal("asked by jane@example.com"), TestReveal("two\nlines"),
                                  TestReveal(std::string(501, 'x')), TestReveal("\xC3"),
                                  TestReveal("\xED\xA0\x80"), nobody, many, field}) {
    EXPECT_EQ(log->Append(wrong).error().code, ErrorCode::kInvalid);
  }
  EXPECT_EQ(log->size(), 0U);
  EXPECT_TRUE(log->Append(TestReveal("Kündigung \"4711\" \\ 漢字 🙂")));
  AuditEntry largest = TestErasure(TestSubject(1));
  largest.subjects.resize(kMaxNamedSubjects);
  for (std::string* text : {&largest.actor, &largest.purpose, &largest.scope, &largest.outcome,
                            &largest.approval, &largest.policy}) {
    *text = std::string(kMaxAuditTextBytes, '"');
  }
  largest.fields.assign(kMaxAuditFields, std::string(kMaxAuditFieldBytes, '"'));
  EXPECT_TRUE(log->Append(largest));
  EXPECT_TRUE(Verify());
}

TEST_F(AuditLogTest, ManyThreadsShareOneLog) {
  std::atomic<int> published = 0;
  AuditLogOptions options = TestLogOptions(clock_);
  options.published = [&](const std::string&) { ++published; };
  const std::unique_ptr<AuditLog> log = *AuditLog::Open(*fs_, kTestLogDir, std::move(options));
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      AuditEntry entry = TestReveal("thread " + std::to_string(t));
      for (uint64_t i = 0; i < 50; ++i) {
        entry.subjects = {TestSubject(i), TestSubject(i + 1)};
        const Result<AuditReceipt> receipt = log->Append(entry);
        failed += receipt && receipt->tree_size > receipt->index ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(failed, 0);
  EXPECT_LE(published, 401);
  const Result<AuditLogReport> report = Verify();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->checkpoint.size, 400U);
  EXPECT_EQ(report->sets, 400U);
  EXPECT_EQ(log->ListSubjectsSeen({TestReveal().actor, 0, INT64_MAX})->subjects.size(), 51U);
}

TEST_F(AuditLogTest, SeveralOpeningsTakeUpWhatTheOthersWrote) {
  const std::unique_ptr<AuditLog> one = Open(), other = Open();
  AuditEntry entry = TestReveal();
  for (uint64_t i = 0; i < 300; ++i) {
    entry.subjects = {TestSubject(i)};
    ASSERT_TRUE((i % 3 == 0 ? one : other)->Append(entry)) << i;
  }
  ASSERT_TRUE(Verify()) << Verify().error().message;
  EXPECT_EQ(Verify()->sets, 300U);
  EXPECT_EQ(Open()->ListSubjectsSeen({entry.actor, 0, INT64_MAX})->subjects.size(), 300U);
}

TEST_F(AuditLogTest, WithoutItsKeyNothingIsTakenUp) {
  Fill(3);
  AuditLogOptions options = TestLogOptions(clock_);
  options.signing_seeds = KeyRing(TestKey(9));
  EXPECT_EQ(AuditLog::Open(*fs_, kTestLogDir, std::move(options)).error().code,
            ErrorCode::kCorruption);
  options = TestLogOptions(clock_);
  options.signing_seeds = KeyRing();
  EXPECT_EQ(AuditLog::Open(*fs_, kTestLogDir, std::move(options)).error().code,
            ErrorCode::kInvalid);
}

// The older key vouches for the newer as long as it stays; the log keeps its name.
TEST_F(AuditLogTest, AKeyIsFollowedByANewOne) {
  Fill(3);
  AuditEntry entry = TestReveal();
  entry.subjects = {TestSubject(1)};
  ASSERT_TRUE(Open()->Append(entry));
  const auto open = [&](bool with_old) {
    AuditLogOptions options = TestLogOptions(clock_);
    options.origin.clear();
    options.signing_seeds = KeyRing();
    options.subjects_keys = KeyRing();
    if (with_old) {
      options.signing_seeds.Add(1, TestKey(1));
      options.subjects_keys.Add(1, TestKey(2));
    }
    options.signing_seeds.Add(2, TestKey(3));
    options.subjects_keys.Add(2, TestKey(4));
    return AuditLog::Open(*fs_, kTestLogDir, std::move(options));
  };
  EXPECT_FALSE(open(false));
  LogKeys both;
  {
    const std::unique_ptr<AuditLog> log = *open(true);
    ASSERT_TRUE(log->Append(entry));
    both = log->keys();
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(both[1].name, "log.example/audit");
    EXPECT_TRUE(OpenCheckpoint(log->signed_checkpoint(), TestLogKeys()));
    EXPECT_TRUE(OpenCheckpoint(log->signed_checkpoint(), {both[1]}));
    EXPECT_TRUE(VerifyAuditLog(*fs_, kTestLogDir, both));
    EXPECT_EQ(*log->RewrapSets(), 1U);
    EXPECT_EQ(*log->RewrapSets(), 0U);
    ASSERT_TRUE(log->Append(entry));
    // One line of the checkpoint is of a key that this caller does not know.
    EXPECT_FALSE(VerifyAuditLog(*fs_, kTestLogDir, TestLogKeys()));
  }
  const Result<std::unique_ptr<AuditLog>> log = open(false);
  ASSERT_TRUE(log) << log.error().message;
  ASSERT_TRUE((*log)->Append(TestReveal()));
  EXPECT_FALSE(OpenCheckpoint((*log)->signed_checkpoint(), TestLogKeys()));
  EXPECT_TRUE((*log)->ListSubjectsSeen({TestReveal().actor, 0, INT64_MAX})->without_set.empty());
  EXPECT_TRUE(VerifyAuditLog(*fs_, kTestLogDir, {both[1]}));
  EXPECT_EQ((*log)->ListSubjectsSeen({TestReveal().actor, 0, INT64_MAX})->subjects.size(), 1U);
}

// What is on disk without a signature was put there by a write that failed, or by somebody else.
TEST_F(AuditLogTest, EntriesThatNobodySignedAreDropped) {
  Fill(3);
  const std::string bundle = *fs_->ReadWhole(Path("tile/entries/000.p/3"));
  const std::string forged = bundle + bundle.substr(0, bundle.size() / 3);
  ASSERT_TRUE(fs_->WriteFileAtomically(Path("tile/entries/000.p/4"), forged));
  EXPECT_EQ(Verify()->strays, std::vector<std::string>{"tile/entries/000.p/4"});
  EXPECT_EQ(Open()->size(), 3U);
  EXPECT_FALSE(fs_->Exists(Path("tile/entries/000.p/4")));
}

TEST_F(AuditLogTest, ALogThatIsMissingItsCheckpointIsNoNewLog) {
  Fill(3);
  ASSERT_TRUE(fs_->Remove(Path("checkpoint")));
  EXPECT_EQ(TryOpen(*fs_).error().code, ErrorCode::kCorruption);
}

TEST_F(AuditLogTest, AnOlderCopyAndAnotherHistoryAreSeen) {
  Fill(5);
  const std::unique_ptr<FaultyFileSystem> copy = fs_->CloneAfterCrash(CrashKeeps::kEverything);
  const std::string older = Open()->signed_checkpoint();
  Fill(300);
  const std::string noted = Open()->signed_checkpoint();
  EXPECT_TRUE(Open()->CheckNotBehind(older));
  EXPECT_TRUE(Open()->CheckNotBehind(noted));
  const std::unique_ptr<AuditLog> rolled_back = *TryOpen(*copy);
  EXPECT_TRUE(rolled_back->CheckNotBehind(older));
  EXPECT_EQ(rolled_back->CheckNotBehind(noted).error().code, ErrorCode::kCorruption);
  for (int i = 0; i < 400; ++i) {
    ASSERT_TRUE(rolled_back->Append(TestReveal("another history")));
  }
  EXPECT_EQ(rolled_back->CheckNotBehind(noted).error().code, ErrorCode::kCorruption);
  EXPECT_EQ(rolled_back->CheckNotBehind("nonsense").error().code, ErrorCode::kCorruption);
  EXPECT_TRUE(rolled_back->CheckNotBehind(older));
}

TEST_F(AuditLogTest, SubjectsSeenByAccountAndTime) {
  const std::unique_ptr<AuditLog> log = Open();
  const int64_t start = clock_.NowMs();
  AuditEntry entry = TestReveal();
  for (int i = 0; i < 300; ++i) {
    clock_.Set(start + i * 1000);
    entry.actor = i % 2 == 0 ? "even" : "odd";
    entry.outcome = i % 10 == 8 ? "denied" : "allowed";
    entry.subjects = {TestSubject(static_cast<uint64_t>(i)), TestSubject(1000)};
    ASSERT_TRUE(log->Append(entry));
  }
  const SubjectsSeen seen = *log->ListSubjectsSeen({"even", start + 4000, start + 9000});
  EXPECT_EQ(seen.subjects,
            (std::vector<SubjectId>{TestSubject(4), TestSubject(6), TestSubject(1000)}));
  EXPECT_EQ(seen.entries, 2U);
  EXPECT_EQ(seen.forgotten, 0U);
  EXPECT_TRUE(log->ListSubjectsSeen({"even", start + 4000, start + 4000})->subjects.empty());
  EXPECT_EQ(log->ListSubjectsSeen({"odd", 0, INT64_MAX})->subjects.size(), 151U);

  ASSERT_TRUE(log->ForgetSubjects(std::vector<SubjectId>{TestSubject(6), TestSubject(7)}));
  const std::unique_ptr<AuditLog> reopened = Open();
  const SubjectsSeen later = *reopened->ListSubjectsSeen({"even", start + 4000, start + 9000});
  EXPECT_EQ(later.subjects, (std::vector<SubjectId>{TestSubject(4), TestSubject(1000)}));
  EXPECT_EQ(later.forgotten, 1U);
  ASSERT_TRUE(Verify()) << Verify().error().message;
  EXPECT_EQ(Verify()->sets, 300U);
  ASSERT_TRUE(fs_->Remove(Path("sets/000")));
  EXPECT_EQ(Verify()->missing_sets, 256U);
  EXPECT_EQ(reopened->ListSubjectsSeen({"even", start + 4000, start + 9000})->without_set,
            (std::vector<uint64_t>{4, 6}));
}

TEST_F(AuditLogTest, SetsOfManySubjectsAreCheap) {
  const std::unique_ptr<AuditLog> log = Open();
  AuditEntry entry = TestReveal();
  constexpr uint64_t kSubjects = 200'000;
  for (uint64_t i = 0; i < kSubjects; ++i) {
    entry.subjects.push_back(TestSubject(i));
  }
  const auto time = [](const auto& act) {
    const auto start = std::chrono::steady_clock::now();
    act();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
  };
  const double first = time([&] { ASSERT_TRUE(log->Append(entry)); });
  const double again = time([&] { ASSERT_TRUE(log->Append(entry)); });
  const double seen = time([&] {
    EXPECT_EQ(log->ListSubjectsSeen({entry.actor, 0, INT64_MAX})->subjects.size(), kSubjects);
  });
  printf("set of 200,000 subjects: first %.0f ms, again %.0f ms, list %.0f ms\n", first, again,
         seen);
}

TEST_F(AuditLogTest, ErasuresAreListedForARestoredBackup) {
  const std::unique_ptr<AuditLog> log = Open();
  ASSERT_TRUE(log->Append(TestReveal()));
  ASSERT_TRUE(log->Append(TestErasure(TestSubject(7), "allowed")));
  ASSERT_TRUE(log->Append(TestErasure(TestSubject(7))));
  ASSERT_TRUE(log->Append(TestErasure(TestSubject(8), "failed")));
  AuditReader reader = *log->Read();
  const Result<std::vector<ErasedSubjectEntry>> erased = reader.ListErased();
  ASSERT_TRUE(erased);
  ASSERT_EQ(erased->size(), 1U);
  EXPECT_EQ(erased->front().subject, TestSubject(7));
  EXPECT_EQ(erased->front().index, 2U);
  EXPECT_EQ(erased->front().project, 1U);
  EXPECT_EQ(erased->front().ts_ms, clock_.NowMs());
}

}  // namespace
}  // namespace bulkhead
