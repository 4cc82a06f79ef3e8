// A ledger that is failed or stopped at every step of the file system: what Record answered well is
// there and counted once, and the batch that was under way at most once.
#include <utility>

#include "egress/ledger_fixture.h"

namespace bulkhead {
namespace {

constexpr int32_t kDay = 20'000;
constexpr uint64_t kNever = 1'000'000'000;

const KeyRing& NewKeys() {
  static const KeyRing keys = [] {
    KeyRing ring(SecretBytes(std::string(kKeyBytes, 'e')));
    ring.Add(2, SecretBytes(std::string(kKeyBytes, 'f')));
    return ring;
  }();
  return keys;
}

// All of a history: what is there for certain, and what may be.
struct History {
  NaiveLedger acknowledged;
  std::vector<LedgerBatch> failed;  // of Record, and none of the vendor's was recorded since
  std::vector<SubjectId> perhaps_gone;
};

class LedgerCrashTest : public testing::TestWithParam<Fault> {
 protected:
  static LedgerBatch BatchOf(const std::string& vendor, uint64_t sequence) {
    LedgerBatch batch;
    batch.vendor = vendor;
    batch.epoch = sequence < 4 ? 1 : 2;
    batch.day = kDay + static_cast<int32_t>(sequence / 3);
    batch.sequence = sequence;
    batch.field_sets = {{{"path", FieldForm::kCoarse}},
                        {{"path", FieldForm::kPlain}, {"plan", FieldForm::kToken}}};
    for (uint32_t i = 0; i < 4; ++i) {
      batch.sends.push_back({LedgerSubject(static_cast<uint32_t>(sequence) * i), i % 2});
    }
    return batch;
  }

  static void Record(Ledger* ledger, const std::string& vendor, uint64_t sequence,
                     History* history) {
    const LedgerBatch batch = BatchOf(vendor, sequence);
    if (!ledger->Record(batch)) {
      history->failed.push_back(batch);
      return;
    }
    history->acknowledged.Record(batch);
    std::erase_if(history->failed,
                  [&](const LedgerBatch& other) { return other.vendor == vendor; });
  }

  static void Forget(Ledger* ledger, uint32_t subject, History* history) {
    const std::vector<SubjectId> gone{LedgerSubject(subject)};
    if (ledger->Forget(gone)) {
      history->acknowledged.Forget(gone);
      for (LedgerBatch& batch : history->failed) ForgetIn(gone, &batch);
    } else {
      history->perhaps_gone.push_back(gone[0]);
    }
  }

  static void ForgetIn(const std::vector<SubjectId>& gone, LedgerBatch* batch) {
    for (LedgerSend& send : batch->sends) {
      if (send.subject == gone[0]) send.subject = SubjectId{};
    }
  }

  // Every operation; with a small `fold_after` recording folds by itself, too.
  static void Run(FileSystem& fs, uint64_t fold_after, History* history) {
    Result<std::unique_ptr<Ledger>> opened = TryOpenLedger(fs, fold_after);
    if (!opened) return;
    Ledger* const ledger = opened->get();
    Record(ledger, "a-vendor", 5, history);
    Record(ledger, "b-vendor", 1, history);
    Record(ledger, "a-vendor", 6, history);
    [[maybe_unused]] const Result<void> folded = ledger->Fold();
    Record(ledger, "a-vendor", 7, history);
    Record(ledger, "a-vendor", 7, history);
    Forget(ledger, 5, history);
    Record(ledger, "b-vendor", 2, history);
    [[maybe_unused]] const Result<void> wrapped = ledger->UseKeys(NewKeys());
    Record(ledger, "a-vendor", 8, history);
    [[maybe_unused]] const Result<void> again = ledger->Fold();
    Record(ledger, "b-vendor", 3, history);
  }

  // The answer is that of what was acknowledged, with at most one of what failed, and without any
  // of those whose erasure failed.
  static void ExpectPossible(const Ledger& ledger, const History& history,
                             const std::string& what) {
    std::vector<NaiveLedger> possible{history.acknowledged};
    for (const LedgerBatch& batch : history.failed) {
      possible.push_back(history.acknowledged);
      possible.back().Record(batch);
    }
    for (const SubjectId& subject : history.perhaps_gone) {
      for (size_t i = possible.size(); i-- > 0;) {
        possible.push_back(possible[i]);
        possible.back().Forget({subject});
      }
    }
    for (const char* vendor : {"a-vendor", "b-vendor"}) {
      const Result<Exposure> exposure = ledger.Ask(AllOf(vendor));
      ASSERT_TRUE(exposure) << what << ": " << exposure.error().message;
      const std::map<SubjectId, SentFields> subjects = ListSubjects(ledger, AllOf(vendor));
      const bool found = std::any_of(possible.begin(), possible.end(), [&](const NaiveLedger& one) {
        std::map<SubjectId, SentFields> expected = one.Subjects(AllOf(vendor));
        expected.erase(SubjectId{});
        return ExposureText(one.Ask(AllOf(vendor))) == ExposureText(*exposure) &&
               subjects == expected;
      });
      EXPECT_TRUE(found) << what << ", " << vendor << ":\n"
                         << ExposureText(*exposure) << "\nafter\n"
                         << ExposureText(history.acknowledged.Ask(AllOf(vendor)));
    }
  }

  // It opens, holds what it must, takes more, and keeps that too; no files are left over.
  static void ExpectWhole(FaultyFileSystem& fs, History history, const std::string& what) {
    {
      const Result<std::unique_ptr<Ledger>> ledger = TryOpenLedger(fs, kNever, NewKeys());
      ASSERT_TRUE(ledger) << what << ": " << ledger.error().message;
      ExpectPossible(**ledger, history, what);
      for (const LedgerBatch& batch : std::exchange(history.failed, {})) {
        const uint64_t last = (*ledger)->LastSequence(batch.vendor);
        if (last == batch.sequence) history.acknowledged.Record(batch);
        if (last < batch.sequence) {
          Record(ledger->get(), batch.vendor, batch.sequence, &history);
        }
      }
      Record(ledger->get(), "a-vendor", 20, &history);
      ASSERT_TRUE(history.failed.empty()) << what;
      ExpectPossible(**ledger, history, what + ", more recorded");
      ASSERT_TRUE((*ledger)->Fold()) << what;
      Record(ledger->get(), "a-vendor", 21, &history);
      ExpectPossible(**ledger, history, what + ", folded");
    }
    const Result<std::unique_ptr<Ledger>> ledger = TryOpenLedger(fs, kNever, NewKeys());
    ASSERT_TRUE(ledger) << what << ": " << ledger.error().message;
    ExpectPossible(**ledger, history, what + ", opened again");
    ASSERT_TRUE((*ledger)->Fold()) << what;
    size_t named = 2;  // manifest and journal
    for (const char* vendor : {"a-vendor", "b-vendor"}) {
      const std::string text = *(*ledger)->Statement(vendor);
      for (const char* line : {"\nday ", "\nsubjects "}) {
        for (size_t at = text.find(line); at != std::string::npos; at = text.find(line, at + 1)) {
          ++named;
        }
      }
    }
    EXPECT_EQ(fs.List(kLedgerTestDir)->size(), named) << what;
  }
};

TEST_P(LedgerCrashTest, AtEveryStep) {
  FaultyFileSystem start;
  History before;
  {
    const auto ledger = OpenLedger(start);
    Record(ledger.get(), "a-vendor", 1, &before);
    Record(ledger.get(), "a-vendor", 2, &before);
    ASSERT_TRUE(ledger->Fold());
    Record(ledger.get(), "a-vendor", 3, &before);
  }
  for (const uint64_t times : {1U, 2U, 6U}) {
    bool struck = true;
    for (uint64_t step = 0; struck && !HasFailure(); ++step) {
      History history = before;
      const auto fs = start.CloneAfterCrash(CrashKeeps::kEverything);
      const uint64_t first = fs->steps();
      fs->FailAt(step, GetParam(), times);
      Run(*fs, times == 2 ? 40 : kNever, &history);
      struck = fs->steps() - first > step;
      const std::string what = std::to_string(times) + " from step " + std::to_string(step);
      for (uint64_t seed = 0; seed < 5 && !HasFailure(); ++seed) {
        const CrashKeeps keeps = seed == 0   ? CrashKeeps::kSyncedOnly
                                 : seed == 1 ? CrashKeeps::kEverything
                                             : CrashKeeps::kSome;
        const auto crashed = fs->CloneAfterCrash(keeps, seed + step);
        ExpectWhole(*crashed, history, what + ", seed " + std::to_string(seed));
      }
    }
  }
}

// Also where there is no ledger yet.
TEST_P(LedgerCrashTest, AtEveryStepOfTheFirstOpening) {
  bool struck = true;
  for (uint64_t step = 0; struck && !HasFailure(); ++step) {
    History history;
    FaultyFileSystem fs;
    fs.FailAt(step, GetParam());
    Run(fs, kNever, &history);
    struck = fs.steps() > step;
    for (uint64_t seed = 0; seed < 4 && !HasFailure(); ++seed) {
      const auto crashed =
          fs.CloneAfterCrash(seed == 0 ? CrashKeeps::kSyncedOnly : CrashKeeps::kSome, seed + step);
      ExpectWhole(*crashed, history, "step " + std::to_string(step));
    }
  }
}

// One that fails for a while goes on in the same process once it is over.
TEST_P(LedgerCrashTest, GoesOnWhenTheFaultIsOver) {
  if (GetParam() == Fault::kCrash) GTEST_SKIP() << "nothing goes on after a power loss";
  for (uint64_t step = 0; step < 60 && !HasFailure(); ++step) {
    FaultyFileSystem fs;
    History history;
    const auto ledger = OpenLedger(fs);
    Record(ledger.get(), "a-vendor", 1, &history);
    fs.FailAt(step, GetParam(), 3);
    for (uint64_t sequence = 2; sequence < 5; ++sequence) {
      Record(ledger.get(), "a-vendor", sequence, &history);
      [[maybe_unused]] const Result<void> folded = ledger->Fold();
      Forget(ledger.get(), 3, &history);
    }
    fs.Heal();
    for (const LedgerBatch& batch : std::vector<LedgerBatch>(history.failed)) {
      Record(ledger.get(), batch.vendor, batch.sequence, &history);
    }
    ASSERT_TRUE(ledger->Fold()) << step;
    Forget(ledger.get(), 3, &history);
    history.perhaps_gone.clear();
    ExpectPossible(*ledger, history, "step " + std::to_string(step));
    EXPECT_EQ(ledger->stats().sends, history.acknowledged.sends());
    const auto crashed = fs.CloneAfterCrash(CrashKeeps::kSyncedOnly);
    ExpectPossible(*OpenLedger(*crashed), history, "step " + std::to_string(step) + ", lost");
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, LedgerCrashTest,
                         testing::Values(Fault::kIoError, Fault::kNoSpace, Fault::kShortWrite,
                                         Fault::kCrash));

// What is damaged is found: when opened or asked, or the answer is the same.
class LedgerDamageTest : public testing::Test {
 protected:
  // Two vendors, two epochs, erased ones, and a journal that was closed in good order.
  void SetUp() override {
    FaultyFileSystem fs;
    {
      const auto ledger = OpenLedger(fs);
      RandomSends random(5, 40);
      for (int i = 0; i < 12; ++i) {
        const LedgerBatch batch = random.Next(8);
        naive_.Record(batch);
        ASSERT_TRUE(ledger->Record(batch));
        if (i == 3 || i == 6) {
          ASSERT_TRUE(ledger->Fold());
        }
      }
      const std::vector<SubjectId> gone{LedgerSubject(1)};
      naive_.Forget(gone);
      ASSERT_TRUE(ledger->Forget(gone));
      for (int i = 0; i < 4; ++i) {
        const LedgerBatch batch = random.Next(5);
        naive_.Record(batch);
        ASSERT_TRUE(ledger->Record(batch));
      }
    }
    files_ = ReadLedgerFiles(fs);
    ASSERT_GT(files_.size(), 6U);
  }

  // "corruption", "same", or what it was else.
  std::string Answer(const LedgerFiles& files) const {
    FaultyFileSystem fs;
    PutLedgerFiles(fs, files);
    const auto found = [](const Error& error) -> std::string {
      return error.code == ErrorCode::kCorruption || error.code == ErrorCode::kDenied
                 ? "corruption"
                 : "other: " + error.message;
    };
    const Result<std::unique_ptr<Ledger>> ledger = TryOpenLedger(fs);
    if (!ledger) return found(ledger.error());
    for (const char* vendor : {"a-vendor", "b-vendor", "c-vendor"}) {
      const Result<Exposure> exposure = (*ledger)->Ask(AllOf(vendor));
      if (!exposure) return found(exposure.error());
      if (ExposureText(*exposure) != ExposureText(naive_.Ask(AllOf(vendor)))) return "changed";
      std::map<SubjectId, SentFields> subjects;
      const Result<void> listed = (*ledger)->ForEachSubject(
          AllOf(vendor), [&](const SubjectId& subject, const SentFields& fields) {
            subjects[subject] = fields;
            return true;
          });
      if (!listed) return found(listed.error());
      std::map<SubjectId, SentFields> expected = naive_.Subjects(AllOf(vendor));
      expected.erase(SubjectId{});
      if (subjects != expected) return "changed";
    }
    return "same";
  }

  NaiveLedger naive_;
  LedgerFiles files_;
};

TEST_F(LedgerDamageTest, EveryChangedByteIsFound) {
  ASSERT_EQ(Answer(files_), "same");
  size_t same = 0;
  for (const auto& [name, bytes] : files_) {
    for (size_t at = 0; at < bytes.size(); ++at) {
      LedgerFiles changed = files_;
      changed[name][at] = static_cast<char>(changed[name][at] ^ (1 << (at % 8)));
      const std::string answer = Answer(changed);
      ASSERT_TRUE(answer == "corruption" || answer == "same") << name << " " << at << " " << answer;
      same += answer == "same" ? 1 : 0;
      // Of the mark behind the last record, and of nothing else.
      ASSERT_TRUE(answer == "corruption" ||
                  (name.starts_with("journal-") && at + 8 + 16 >= bytes.size()))
          << name << " " << at;
    }
  }
  EXPECT_LE(same, 24U);
}

TEST_F(LedgerDamageTest, EveryCutMissingAndForeignFileIsFound) {
  for (const auto& [name, bytes] : files_) {
    const bool is_journal = name.starts_with("journal-");
    for (size_t size = 0; size < bytes.size(); size += is_journal ? bytes.size() - 30 : 1) {
      LedgerFiles cut = files_;
      cut[name].resize(size);
      if (is_journal && size > 0) continue;  // what a crash leaves, too
      ASSERT_EQ(Answer(cut), "corruption") << name << " " << size;
    }
    LedgerFiles missing = files_;
    missing.erase(name);
    ASSERT_EQ(Answer(missing), "corruption") << name;
    for (const auto& [other, other_bytes] : files_) {
      if (other == name) continue;
      LedgerFiles foreign = files_;
      foreign[name] = other_bytes;
      ASSERT_EQ(Answer(foreign), "corruption") << other << " as " << name;
    }
  }
}

// The message says which file and where in it.
TEST_F(LedgerDamageTest, ItIsNamed) {
  FaultyFileSystem fs;
  {
    const auto ledger = OpenLedger(fs);
    RandomSends random(6, 40);
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(ledger->Record(random.Next(9)));
  }
  const LedgerFiles files = ReadLedgerFiles(fs);
  const std::string journal =
      files.begin()->first == "MANIFEST" ? std::next(files.begin())->first : files.begin()->first;
  ASSERT_TRUE(fs.Damage(std::string(kLedgerTestDir) + "/" + journal,
                        [](std::string* bytes) { (*bytes)[40] ^= 1; }));
  const auto opened = TryOpenLedger(fs);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message,
            "ledger: " + journal + ": byte 16: a record that was durable is damaged");
}

}  // namespace
}  // namespace bulkhead
