// Files of version 1 as they were once written: today's program reads them.
#include <cstdlib>
#include <fstream>

#include "base/hex.h"
#include "egress/ledger_day.h"
#include "egress/ledger_fixture.h"

namespace bulkhead {
namespace {

const char* const kGolden = BULKHEAD_SOURCE_DIR "/test/golden/ledger/files.txt";

// Two vendors, two epochs, an erased subject, a refolded day, and batches in the journal.
NaiveLedger GoldenHistory(Ledger* ledger) {
  NaiveLedger naive;
  const auto record = [&](const char* vendor, uint64_t sequence, int32_t day, uint32_t subjects) {
    LedgerBatch batch{vendor, day < 20'001 ? 1U : 2U, day, sequence, {}, {}};
    batch.field_sets = {{{"$browser", FieldForm::kPlain}, {"country", FieldForm::kCoarse}},
                        {{"$email", FieldForm::kIdentity}},
                        {}};
    for (uint32_t i = 0; i < subjects; ++i) {
      batch.sends.push_back({i % 5 == 4 ? SubjectId{} : LedgerSubject(i / 2), i % 3});
    }
    naive.Record(batch);
    if (ledger != nullptr) Check(ledger->Record(batch).has_value(), "recorded");
  };
  const auto fold = [&] { Check(ledger == nullptr || ledger->Fold(), "folded"); };
  record("a-vendor", 1, 20'000, 9);
  record("b-vendor", 7, 20'000, 3);
  fold();
  record("a-vendor", 2, 20'000, 14);
  record("a-vendor", 3, 20'001, 6);
  const std::vector<SubjectId> gone{LedgerSubject(1)};
  naive.Forget(gone);
  Check(ledger == nullptr || ledger->Forget(gone), "forgotten");
  record("a-vendor", 4, 20'001, 4);
  record("b-vendor", 8, 20'002, 5);
  return naive;
}

LedgerFiles ReadGolden() {
  std::ifstream in(kGolden);
  LedgerFiles files;
  std::string line;
  std::string at;
  while (std::getline(in, line)) {
    if (line.starts_with("file ")) {
      at = line.substr(5);
    } else {
      files[at] += *HexDecode(line);
    }
  }
  return files;
}

// Rewritten with BULKHEAD_REWRITE_GOLDEN set, where the format has a new version.
TEST(LedgerGolden, FilesOfThisVersionAreRead) {
  FaultyFileSystem written;
  GoldenHistory(OpenLedger(written).get());
  if (std::getenv("BULKHEAD_REWRITE_GOLDEN") != nullptr) {
    std::ofstream out(kGolden);
    for (const auto& [name, bytes] : ReadLedgerFiles(written)) {
      out << "file " << name << "\n";
      const std::string hex =
          HexEncode({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
      for (size_t at = 0; at < hex.size(); at += 64) out << hex.substr(at, 64) << "\n";
    }
  }
  const LedgerFiles files = ReadGolden();
  if (files == ReadLedgerFiles(written)) GTEST_SKIP() << "just written";
  ASSERT_GT(files.size(), 5U);
  // The same history gives the same names and sizes today; keys and so all bytes are others.
  const LedgerFiles today = ReadLedgerFiles(written);
  ASSERT_EQ(files.size(), today.size());
  for (const auto& [name, bytes] : files) {
    ASSERT_TRUE(today.contains(name)) << name;
    EXPECT_EQ(bytes.size(), today.at(name).size()) << name;
    EXPECT_NE(bytes, today.at(name)) << name;
  }
  FaultyFileSystem fs;
  PutLedgerFiles(fs, files);
  ExpectSame(*OpenLedger(fs), GoldenHistory(nullptr));
}

// The example of docs/formats/ledger.md, found in a day's file under its key.
TEST(LedgerGolden, ADaysEntriesAreAsTheDocumentSays) {
  DayBuilder builder(20'000, {{{"plan", FieldForm::kPlain}}, {}});
  builder.Add(3, std::vector<DayPart>{{0, 2}});
  builder.Add(5, std::vector<DayPart>{{0, 1}, {1, 6}});
  const SecretBytes key(builder.key().view());
  const std::string file = builder.Finish();
  const std::string expected("\x03\x01\x01\x04\x0b\x02", 6);
  const BlockFile cipher = *BlockFile::OfHead({"BHLDA\0\0\1", 8}, file, key);
  std::string block(expected.size(), '\0');
  ASSERT_TRUE(cipher.Decrypt(kBlockFileHeadBytes,
                             std::string_view(file).substr(kBlockFileHeadBytes, 6 + kBlockTagBytes),
                             0, {reinterpret_cast<uint8_t*>(block.data()), block.size()}));
  EXPECT_EQ(HexEncode({reinterpret_cast<const uint8_t*>(block.data()), block.size()}),
            HexEncode({reinterpret_cast<const uint8_t*>(expected.data()), expected.size()}));
}

}  // namespace
}  // namespace bulkhead
