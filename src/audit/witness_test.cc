#include "audit/witness.h"

#include "audit/log_fixture.h"

namespace bulkhead {
namespace {

class WitnessTest : public AuditLogTest {
 protected:
  WitnessTest() { Reopen(); }

  void Reopen() { witness_ = std::move(TryOpen(disk_)).value(); }
  Result<std::unique_ptr<Witness>> TryOpen(FileSystem& fs) {
    WitnessOptions options;
    options.name = "witness.example";
    options.signing_seed = TestKey(7);
    options.logs = {TestLogKeys()};
    options.clock = &clock_;
    return Witness::Open(fs, "/witness", std::move(options));
  }
  // What a log would send to a witness that has signed `old_size`.
  std::string Request(uint64_t old_size) {
    const std::unique_ptr<AuditLog> log = Open();
    AuditReader reader = *log->Read();
    return WriteAddCheckpoint(
        {old_size, *reader.ProveConsistency(old_size), log->signed_checkpoint()});
  }
  int Status(const std::string& body) { return witness_->Answer(body).status; }
  FileFetch Fetch() { return FetchFromDirectory(*fs_, kTestLogDir); }

  FaultyFileSystem disk_;
  std::unique_ptr<Witness> witness_;
};

TEST_F(WitnessTest, SignsWhatContinues) {
  Fill(3);
  const WitnessAnswer first = witness_->Answer(Request(0));
  ASSERT_EQ(first.status, 200) << first.body;
  const std::optional<SignedNote> note = ParseNote(Open()->signed_checkpoint() + first.body);
  ASSERT_TRUE(note);
  EXPECT_EQ(CosignedAt(*note, witness_->key()), 1'764'000'000U);
  EXPECT_TRUE(OpenCheckpoint(*note, TestLogKeys()));
  Fill(600);
  EXPECT_EQ(Status(Request(3)), 200);
  EXPECT_EQ(Status(Request(603)), 200);  // nothing new is fine
  EXPECT_EQ(witness_->SizeOf("log.example/audit"), 603U);
  Reopen();
  EXPECT_EQ(witness_->SizeOf("log.example/audit"), 603U);
}

TEST_F(WitnessTest, RefusesByTheRulesOfTheProtocol) {
  Fill(5);
  ASSERT_EQ(Status(Request(0)), 200);
  Fill(2);
  const std::string good = Request(5);

  EXPECT_EQ(Status(""), 400);
  EXPECT_EQ(Status("old 5\n" + good.substr(6)), 200);
  EXPECT_EQ(Status("old 05\n" + good.substr(6)), 400);
  EXPECT_EQ(Status(Request(7).replace(4, 1, "8")), 400);  // larger than the checkpoint

  const WitnessAnswer stale = witness_->Answer(good);
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(stale.content_type, "text/x.tlog.size");
  EXPECT_EQ(stale.body, "7\n");

  Fill(4);
  std::string wrong_proof = Request(7);
  const size_t hash = wrong_proof.find('\n') + 3;
  wrong_proof[hash] = wrong_proof[hash] == 'A' ? 'B' : 'A';
  EXPECT_EQ(Status(wrong_proof), 422);
  std::string no_proof = Request(7);
  no_proof.erase(6, no_proof.find("\n\n") - 5);
  EXPECT_EQ(Status(no_proof), 422);

  std::string wrong_signature = Request(7);
  const size_t at = wrong_signature.size() - 20;
  wrong_signature[at] = wrong_signature[at] == 'A' ? 'B' : 'A';
  EXPECT_EQ(Status(wrong_signature), 403);

  std::string other_origin = Request(7);
  other_origin.replace(other_origin.find("log.example"), 3, "dog");
  EXPECT_EQ(Status(other_origin), 404);
  EXPECT_EQ(Status(Request(7)), 200);
}

TEST_F(WitnessTest, AnotherHistoryIsRefusedAtEverySize) {
  Fill(5);
  const std::unique_ptr<FaultyFileSystem> copy = fs_->CloneAfterCrash(CrashKeeps::kEverything);
  Fill(5);
  ASSERT_TRUE(witness_->Pull(Fetch(), TestLogKeys()));
  fs_ = copy->CloneAfterCrash(CrashKeeps::kEverything);
  EXPECT_EQ(witness_->Pull(Fetch(), TestLogKeys()).error().code, ErrorCode::kCorruption);
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(Open()->Append(TestReveal("another history")));
    EXPECT_EQ(witness_->Pull(Fetch(), TestLogKeys()).error().code, ErrorCode::kCorruption) << i;
    if (i >= 4) {
      EXPECT_EQ(Status(Request(10)), i == 4 ? 409 : 422) << i;
    }
  }
  EXPECT_EQ(witness_->SizeOf("log.example/audit"), 10U);
}

TEST_F(WitnessTest, PullingGivesACosignedCheckpointThatVerifies) {
  Fill(300);
  const Result<std::string> cosigned = witness_->Pull(Fetch(), TestLogKeys());
  ASSERT_TRUE(cosigned) << cosigned.error().message;
  Fill(300);
  VerifyAuditOptions options;
  options.noted_checkpoint = *cosigned;
  EXPECT_TRUE(VerifyAuditLog(*fs_, kTestLogDir, TestLogKeys(), options));
  EXPECT_TRUE(Open()->CheckNotBehind(*cosigned));
  ASSERT_TRUE(witness_->Pull(Fetch(), TestLogKeys()));
  // A tile that was changed on the way is found by the proof.
  Fill(1);
  ASSERT_TRUE(fs_->Damage(Path("tile/0/002.p/89"), [](std::string* bytes) { (*bytes)[500] ^= 1; }));
  EXPECT_EQ(witness_->Pull(Fetch(), TestLogKeys()).error().code, ErrorCode::kCorruption);
}

// What was signed is on disk before; what could not be kept is not signed.
TEST_F(WitnessTest, KeepsBeforeItSigns) {
  Fill(5);
  const std::string first = Request(0);
  Fill(5);
  const std::string second = Request(0);
  for (uint64_t step = 0; step < 8; ++step) {
    FaultyFileSystem disk;
    const std::unique_ptr<Witness> witness = *TryOpen(disk);
    disk.FailAt(step, Fault::kCrash);
    const int status = witness->Answer(first).status;
    EXPECT_TRUE(status == 200 || status == 500);
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const auto crashed = disk.CloneAfterCrash(CrashKeeps::kSome, seed);
      const std::unique_ptr<Witness> again = *TryOpen(*crashed);
      EXPECT_TRUE(status != 200 || again->SizeOf("log.example/audit") == 5) << step;
    }
  }
  ASSERT_TRUE(disk_.WriteFileAtomically("/witness/other", ""));
  ASSERT_EQ(Status(second), 200);
  const std::vector<std::string> names = *disk_.List("/witness");
  for (const std::string& name : names) {
    disk_.Damage("/witness/" + name, [](std::string* bytes) {
      if (!bytes->empty()) {
        (*bytes)[bytes->size() / 2] ^= 1;
      }
    });
  }
  EXPECT_EQ(TryOpen(disk_).error().code, ErrorCode::kCorruption);
}

}  // namespace
}  // namespace bulkhead
