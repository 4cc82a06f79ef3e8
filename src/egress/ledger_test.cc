// The ledger against its simplest form over random histories, and what its files give away.
#include "egress/ledger.h"

#include <thread>

#include "base/hex.h"
#include "crypto/crypto.h"
#include "egress/ledger_files.h"
#include "egress/ledger_fixture.h"
#include "egress/ledger_journal.h"
#include "egress/ledger_manifest.h"
#include "egress/subject_dictionary.h"

namespace bulkhead {
namespace {

constexpr uint64_t kNever = 1'000'000'000;

void RunHistory(uint64_t seed, uint32_t subjects, uint32_t most_sends) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  FaultyFileSystem fs;
  RandomSends random(seed, subjects);
  const uint64_t fold_after = seed % 3 == 0 ? kNever : 40 * most_sends;
  NaiveLedger naive;
  std::unique_ptr<Ledger> ledger = OpenLedger(fs, fold_after);
  for (int step = 0; step < 120; ++step) {
    const LedgerBatch batch = random.Next(most_sends);
    naive.Record(batch);
    ASSERT_TRUE(ledger->Record(batch));
    const uint32_t what = random.Below(40);
    if (what < 3) {
      ASSERT_TRUE(ledger->Fold());
    } else if (what < 5) {
      const std::vector<SubjectId> gone = random.Subjects(subjects / 8 + 1);
      naive.Forget(gone);
      ASSERT_TRUE(ledger->Forget(gone));
    } else if (what < 7) {
      ledger = nullptr;
      ledger = OpenLedger(fs, fold_after);
    } else if (what < 15) {
      ExpectSameWindow(*ledger, naive, random.Window());
    }
    if (testing::Test::HasFailure()) return;
  }
  ExpectSame(*ledger, naive);
  ASSERT_TRUE(ledger->Fold());
  ExpectSame(*ledger, naive);
  for (int i = 0; i < 20; ++i) ExpectSameWindow(*ledger, naive, random.Window());
}

TEST(Ledger, AnswersAsItsSimplestForm) {
  for (uint64_t seed = 0; seed < 60 && !testing::Test::HasFailure(); ++seed) {
    RunHistory(seed, seed % 2 == 0 ? 12 : 300, seed % 5 == 0 ? 3 : 40);
  }
}

// So many subjects that there are several blocks of them and of a day's entries.
TEST(Ledger, AnswersAsItsSimplestFormWithManySubjects) {
  for (uint64_t seed = 100; seed < 102 && !testing::Test::HasFailure(); ++seed) {
    RunHistory(seed, 60'000, 4'000);
  }
}

LedgerBatch BatchOf(uint64_t sequence, std::initializer_list<uint32_t> subjects,
                    int32_t day = 20'000) {
  LedgerBatch batch{"a-vendor", 1, day, sequence, {{{"plan", FieldForm::kPlain}}}, {}};
  for (const uint32_t subject : subjects) batch.sends.push_back({LedgerSubject(subject), 0});
  return batch;
}

TEST(Ledger, RefusesWhatIsNoBatch) {
  FaultyFileSystem fs;
  const auto ledger = OpenLedger(fs);
  const auto refused = [&](auto&& change) {
    LedgerBatch batch = BatchOf(1, {1});
    change(&batch);
    const Result<void> recorded = ledger->Record(batch);
    return !recorded && recorded.error().code == ErrorCode::kInvalid;
  };
  EXPECT_TRUE(refused([](LedgerBatch* batch) { batch->vendor.clear(); }));
  EXPECT_TRUE(refused([](LedgerBatch* batch) { batch->vendor.assign(300, 'v'); }));
  EXPECT_TRUE(refused([](LedgerBatch* batch) { batch->day = -1; }));
  EXPECT_TRUE(refused([](LedgerBatch* batch) { batch->sequence = 0; }));
  EXPECT_TRUE(refused([](LedgerBatch* batch) { batch->sends[0].fields = 1; }));
  EXPECT_TRUE(refused([](LedgerBatch* batch) { batch->field_sets[0][0].form = FieldForm{5}; }));
  EXPECT_TRUE(
      refused([](LedgerBatch* batch) { batch->field_sets[0].push_back(batch->field_sets[0][0]); }));
  EXPECT_TRUE(refused([](LedgerBatch* batch) { batch->sends.resize(2'500'000); }));
  EXPECT_EQ(ledger->LastSequence("a-vendor"), 0U);
  EXPECT_TRUE(ledger->Record(BatchOf(1, {1})));
}

TEST(Ledger, StopsWhereItIsTold) {
  FaultyFileSystem fs;
  const auto ledger = OpenLedger(fs);
  ASSERT_TRUE(ledger->Record(BatchOf(1, {1, 2, 3})));
  int told = 0;
  ASSERT_TRUE(ledger->ForEachSubject(
      AllOf("a-vendor"), [&](const SubjectId&, const SentFields&) { return ++told < 2; }));
  EXPECT_EQ(told, 2);
}

TEST(Ledger, FoldsByItself) {
  FaultyFileSystem fs;
  const auto ledger = OpenLedger(fs, 100);
  const uint64_t empty = ledger->stats().journal_bytes;
  for (uint64_t i = 1; i <= 40; ++i) ASSERT_TRUE(ledger->Record(BatchOf(i, {1, 2, 3, 4})));
  EXPECT_EQ(ledger->stats().sends, 160U);
  EXPECT_EQ(ledger->stats().journal_bytes, empty);
  EXPECT_GT(ledger->stats().file_bytes, 100U);
}

// Several vendors record while one thread folds and another asks.
TEST(Ledger, TakesSeveralVendorsAtOnce) {
  FaultyFileSystem fs;
  const auto ledger = OpenLedger(fs, 300);
  std::vector<std::jthread> threads;
  for (uint32_t vendor = 0; vendor < 3; ++vendor) {
    threads.emplace_back([&, vendor] {
      for (uint64_t i = 1; i <= 60; ++i) {
        LedgerBatch batch = BatchOf(i, {1, 2, static_cast<uint32_t>(i)});
        batch.vendor = std::string(1, static_cast<char>('a' + vendor)) + "-vendor";
        EXPECT_TRUE(ledger->Record(batch));
        const Result<Exposure> exposure = ledger->Ask(AllOf(batch.vendor));
        EXPECT_TRUE(exposure && exposure->sends == i * 3) << i;
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(ledger->Fold());
      EXPECT_TRUE(ledger->Statement("a-vendor"));
      EXPECT_TRUE(ledger->UseKeys(LedgerTestKeys()));
    }
  });
  threads.clear();
  for (const char* vendor : {"a-vendor", "b-vendor", "c-vendor"}) {
    EXPECT_EQ(ledger->Ask(AllOf(vendor))->sends, 180U);
    EXPECT_EQ(ledger->Ask(AllOf(vendor))->subjects, 60U);
  }
}

TEST(Ledger, StatesWhatItHoldsAndTheSameUntilItChanges) {
  FaultyFileSystem fs;
  auto ledger = OpenLedger(fs);
  ASSERT_TRUE(ledger->Record(BatchOf(1, {1, 2, 2})));
  ASSERT_TRUE(ledger->Record(BatchOf(5, {3}, 20'001)));
  EXPECT_EQ(*ledger->Statement("a-vendor"),
            "bulkhead ledger 1\nvendor a-vendor\nsequence 5\nsends 4\n"
            "unfolded 1 2024-10-04 3\nunfolded 1 2024-10-05 1\n");
  ASSERT_TRUE(ledger->Fold());
  const std::string text = *ledger->Statement("a-vendor");
  EXPECT_TRUE(
      text.starts_with("bulkhead ledger 1\nvendor a-vendor\nsequence 5\nsends 4\nepoch 1\n"
                       "subjects 3 subjects-"));
  for (const auto& [name, bytes] : ReadLedgerFiles(fs)) {
    EXPECT_EQ(text.find(name + " " + std::to_string(bytes.size()) + " " +
                        HexEncode(Sha256(bytes))) != std::string::npos,
              name.starts_with("day-") || name.starts_with("subjects-"));
  }
  LedgerBatch other = BatchOf(1, {9});
  other.vendor = "b-vendor";
  ASSERT_TRUE(ledger->Record(other));
  ASSERT_TRUE(ledger->Fold());
  KeyRing keys(SecretBytes(std::string(kKeyBytes, 'e')));
  keys.Add(2, SecretBytes(std::string(kKeyBytes, 'f')));
  ASSERT_TRUE(ledger->UseKeys(keys));
  EXPECT_EQ(*ledger->Statement("a-vendor"), text);
  ledger = nullptr;
  EXPECT_EQ(TryOpenLedger(fs).error().code, ErrorCode::kDenied);
  ledger = *TryOpenLedger(fs, kNever, keys);
  EXPECT_EQ(*ledger->Statement("a-vendor"), text);
  ASSERT_TRUE(ledger->Forget(std::vector<SubjectId>{LedgerSubject(2)}));
  EXPECT_NE(*ledger->Statement("a-vendor"), text);
  EXPECT_EQ(ledger->Ask(AllOf("a-vendor"))->sends, 4U);
  EXPECT_EQ(ledger->Ask(AllOf("a-vendor"))->subjects, 2U);
}

// With the older key gone, what was written under it is read all the same.
TEST(Ledger, OldKeysAreNotNeededOnceTheNewAreUsed) {
  FaultyFileSystem fs;
  auto ledger = OpenLedger(fs);
  ASSERT_TRUE(ledger->Record(BatchOf(1, {1, 2})));
  ASSERT_TRUE(ledger->Fold());
  ASSERT_TRUE(ledger->Record(BatchOf(2, {3})));
  KeyRing both(SecretBytes(std::string(kKeyBytes, 'e')));
  both.Add(2, SecretBytes(std::string(kKeyBytes, 'f')));
  ASSERT_TRUE(ledger->UseKeys(both));
  ledger = nullptr;
  KeyRing newer;
  newer.Add(2, SecretBytes(std::string(kKeyBytes, 'f')));
  ledger = *TryOpenLedger(fs, kNever, newer);
  EXPECT_EQ(ledger->Ask(AllOf("a-vendor"))->subjects, 3U);
}

// What the files hold, with their keys.
std::string Opened(FileSystem& fs) {
  std::string all;
  const std::string dir = kLedgerTestDir;
  const LedgerManifest manifest =
      *DecodeLedgerManifest(*fs.ReadWhole(dir + "/MANIFEST"), LedgerTestKeys());
  for (const auto& [name, vendor] : manifest.vendors) {
    for (const auto& [number, epoch] : vendor.epochs) {
      const auto dictionary = SubjectDictionary::Open(fs, dir, epoch.subjects);
      Check(dictionary
                ->Scan([&](uint32_t, std::span<const SubjectId> block) {
                  for (const SubjectId& subject : block) all += subject.ToHex();
                })
                .has_value(),
            "scanned");
    }
  }
  for (const LedgerJournalFile& journal : manifest.journals) {
    const std::string bytes =
        *fs.ReadWhole(dir + "/" + LedgerFileName(LedgerFileKind::kJournal, journal.number));
    Check(ReadLedgerJournal(bytes, *journal.key, journal.records,
                            [&](std::string_view payload) {
                              const Result<LedgerBatch> batch = DecodeLedgerBatch(payload);
                              for (const LedgerSend& send : batch->sends)
                                all += send.subject.ToHex();
                              return Result<void>();
                            })
              .has_value(),
          "read");
  }
  return all;
}

TEST(Ledger, NoFileHoldsWhoWasForgotten) {
  FaultyFileSystem fs;
  const auto ledger = OpenLedger(fs);
  ASSERT_TRUE(ledger->Record(BatchOf(1, {1, 2, 3})));
  ASSERT_TRUE(ledger->Fold());
  ASSERT_TRUE(ledger->Record(BatchOf(2, {2, 4, 5}, 20'001)));
  for (const uint32_t subject : {1U, 2U, 3U, 4U, 5U}) {
    EXPECT_NE(Opened(fs).find(LedgerSubject(subject).ToHex()), std::string::npos);
  }
  ASSERT_TRUE(ledger->Forget(std::vector<SubjectId>{LedgerSubject(2), LedgerSubject(4)}));
  for (const uint32_t subject : {1U, 2U, 3U, 4U, 5U}) {
    EXPECT_EQ(Opened(fs).find(LedgerSubject(subject).ToHex()) == std::string::npos,
              subject % 2 == 0);
  }
  // A manifest, a journal, two files of subjects, two days: the old files are gone.
  EXPECT_EQ(fs.List(kLedgerTestDir)->size(), 6U);
  const Exposure exposure = *ledger->Ask(AllOf("a-vendor"));
  EXPECT_EQ(exposure.sends, 6U);
  EXPECT_EQ(exposure.subjects, 3U);
  // Sent again, it is there again, and nothing of before comes back.
  ASSERT_TRUE(ledger->Record(BatchOf(3, {2}, 20'002)));
  ASSERT_TRUE(ledger->Fold());
  LedgerWindow before = AllOf("a-vendor");
  before.last_day = 20'001;
  EXPECT_EQ(ListSubjects(*ledger, before).count(LedgerSubject(2)), 0U);
  EXPECT_EQ(ListSubjects(*ledger, AllOf("a-vendor")).count(LedgerSubject(2)), 1U);
}

TEST(Ledger, FilesTellSizesAlone) {
  FaultyFileSystem fs;
  const auto ledger = OpenLedger(fs);
  ASSERT_TRUE(ledger->Record(BatchOf(1, {1, 2, 3})));
  ASSERT_TRUE(ledger->Fold());
  ASSERT_TRUE(ledger->Record(BatchOf(2, {1, 2, 3})));
  for (const auto& [name, bytes] : ReadLedgerFiles(fs)) {
    const SubjectId subject = LedgerSubject(2);
    const std::string raw(subject.bytes.begin(), subject.bytes.begin() + 8);
    for (const std::string& needle : {raw, std::string("a-vendor"), std::string("plan")}) {
      EXPECT_EQ(bytes.find(needle), std::string::npos) << name;
    }
  }
}

}  // namespace
}  // namespace bulkhead
