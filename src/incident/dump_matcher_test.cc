#include "incident/dump_matcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <random>

#include "incident/dump_ids.h"
#include "incident/dump_reader.h"

namespace bulkhead {
namespace {

SubjectId Random(std::mt19937_64* random) {
  SubjectId id;
  for (uint8_t& byte : id.bytes) byte = static_cast<uint8_t>((*random)());
  return id;
}

std::string Upper(std::string text) {
  for (char& c : text) c = static_cast<char>(toupper(c));
  return text;
}

std::string Uuid(const SubjectId& id) {
  std::string text = id.ToHex();
  for (const size_t at : {8U, 13U, 18U, 23U}) text.insert(at, "-");
  return text;
}

class DumpMatcherTest : public testing::Test {
 protected:
  DumpMatcherTest() {
    std::mt19937_64 random(1);
    for (int i = 0; i < 100; ++i) subjects_.push_back(Random(&random));
    parts_.subjects = subjects_;
    parts_.sources = {{"first", 1}, {"first", 2}, {"second", 1}};
    parts_.vendor_id = [](const DumpSource& source, const SubjectId& subject) {
      return Id(source, subject);
    };
    parts_.canaries = {{"canary one", {"first", 2}, Random(&random)},
                       {"canary two", {"second", 1}, Random(&random)}};
  }
  // Stands for the keyed hash.
  static SubjectId Id(const DumpSource& source, const SubjectId& subject) {
    std::seed_seq seed(subject.bytes.begin(), subject.bytes.end());
    std::mt19937_64 random(seed);
    random.discard(source.epoch * 10 + source.vendor.size() * 1000);
    return Random(&random);
  }
  std::string Hex(const DumpSource& source, size_t subject) const {
    return Id(source, subjects_[subject]).ToHex();
  }
  DumpReport Match(std::string_view file, size_t piece = 1000) {
    auto matcher = DumpMatcher::Create(parts_).value();
    for (size_t at = 0; at < file.size(); at += piece) matcher->Feed(file.substr(at, piece));
    return matcher->Finish();
  }
  static const SourceMatches& Of(const DumpReport& report, const DumpSource& source) {
    return *std::ranges::find_if(report.sources,
                                 [&](const auto& one) { return one.source == source; });
  }

  std::vector<SubjectId> subjects_;
  DumpMatcher::Parts parts_;
};

TEST_F(DumpMatcherTest, SaysWhoseRecordsTheseAreAndWhereFrom) {
  const DumpSource leaked{"first", 2};
  std::string file = "id,country,browser\n";
  for (size_t i = 0; i < 10; ++i) file += Hex(leaked, i) + ",DE,Firefox\n";
  file += Hex(leaked, 3) + ",DE,Chrome\n";  // once more
  file += Hex({"second", 1}, 50) + ",AT,Safari\n";
  file += parts_.canaries[0].vendor_id.ToHex() + ",FR,Firefox\n";
  for (int i = 0; i < 7; ++i)
    file += "0123456789abcdef0123456789abcde" + std::to_string(i) + ",,\n";
  const DumpReport report = Match(file);
  EXPECT_EQ(report.records, 20U);
  EXPECT_EQ(report.genuine_records, 13U);
  EXPECT_DOUBLE_EQ(report.GenuineShare(), 0.65);
  EXPECT_EQ(report.ids, 20U);
  EXPECT_EQ(report.bytes, file.size());
  ASSERT_TRUE(report.attributed);
  EXPECT_EQ(*report.attributed, leaked);
  const SourceMatches& first = report.sources[0];
  EXPECT_EQ(first.source, leaked);
  EXPECT_EQ(first.known_ids, 101U);
  EXPECT_EQ(first.matched_ids, 11U);
  EXPECT_EQ(first.records, 12U);
  EXPECT_EQ(first.canaries, std::vector<std::string>{"canary one"});
  std::vector<SubjectId> expected(subjects_.begin(), subjects_.begin() + 10);
  std::ranges::sort(expected);
  EXPECT_EQ(first.subjects, expected);
  EXPECT_LT(first.log2_chance, -1000);
  EXPECT_EQ(Of(report, {"second", 1}).subjects, std::vector<SubjectId>{subjects_[50]});
  EXPECT_EQ(Of(report, {"first", 1}).matched_ids, 0U);
  EXPECT_EQ(Of(report, {"first", 1}).log2_chance, 0);
}

TEST_F(DumpMatcherTest, FindsIdsInEveryFormAndColumn) {
  const DumpSource source{"second", 1};
  const SubjectId id = Id(source, subjects_[7]);
  std::string grouped = id.ToHex();
  for (size_t at = 4; at < grouped.size(); at += 5) grouped.insert(at, "-");
  for (const std::string& form :
       {id.ToHex(), Upper(id.ToHex()), Uuid(id), Upper(Uuid(id)), "$device:" + id.ToHex(),
        "$device:" + Uuid(id), "%24device%3A" + id.ToHex(), "%24device%3a" + Upper(Uuid(id)),
        "{" + Uuid(id) + "}", "x-" + id.ToHex(), "user_" + id.ToHex() + "_1",
        "2025-11-09-" + id.ToHex(), grouped}) {
    for (const std::string& file :
         {form + ",a\n", "a;b\n1;2;" + form + "\n", "\"" + form + "\"\t\"x\"\n",
          "{\"distinct_id\":\"" + form + "\"}\n", "{\"p\":{\"q\":[\"" + form + "\"]}}", form}) {
      const DumpReport report = Match(file, 7);
      EXPECT_EQ(report.genuine_records, 1U) << file;
      ASSERT_TRUE(report.attributed) << file;
      EXPECT_EQ(*report.attributed, source);
    }
  }
  const std::string hex = id.ToHex();
  for (const std::string& other :
       {hex.substr(1), hex + "0", "0" + hex, hex.substr(0, 8) + "--" + hex.substr(8),
        hex.substr(0, 8) + " " + hex.substr(8), hex.substr(0, 31) + "g"}) {
    EXPECT_EQ(Match(other).genuine_records, 0U) << other;
  }
}

TEST_F(DumpMatcherTest, PiecesOfAnySizeGiveTheSame) {
  std::string file = "{\"a\":1}\n[\n";
  for (size_t i = 0; i < 30; ++i) {
    file += "{\"id\":\"" + Hex({"first", i % 2 == 0 ? 1U : 2U}, i) + "\"},\r\n";
  }
  file += "]\n\n";
  const DumpReport whole = Match(file, file.size());
  EXPECT_EQ(whole.records, 31U);
  EXPECT_EQ(whole.genuine_records, 30U);
  EXPECT_FALSE(whole.attributed);  // fifteen of each
  for (const size_t piece : {1U, 2U, 3U, 31U, 64U}) {
    const DumpReport report = Match(file, piece);
    EXPECT_EQ(report.records, whole.records);
    EXPECT_EQ(report.genuine_records, whole.genuine_records);
    EXPECT_EQ(report.sources[0].subjects, whole.sources[0].subjects);
  }
}

TEST_F(DumpMatcherTest, ManyOfTheFileAreNotTheMostOfASource) {
  // One id in a thousand records is one match.
  std::string file;
  for (int i = 0; i < 1000; ++i) file += Hex({"first", 1}, 0) + "\n";
  file += Hex({"second", 1}, 1) + "\n" + Hex({"second", 1}, 2) + "\n";
  const DumpReport report = Match(file);
  EXPECT_EQ(*report.attributed, (DumpSource{"second", 1}));
  EXPECT_EQ(Of(report, {"first", 1}).records, 1000U);
  EXPECT_EQ(Of(report, {"first", 1}).matched_ids, 1U);
}

TEST_F(DumpMatcherTest, ACanaryThatIsASubjectIsACanary) {
  const DumpSource source{"first", 1};
  parts_.canaries[0].name = "planted";
  parts_.canaries[0].source = source;
  parts_.canaries[0].vendor_id = Id(source, subjects_[5]);
  const DumpReport report = Match(Hex(source, 5));
  EXPECT_EQ(report.sources[0].canaries, std::vector<std::string>{"planted"});
  EXPECT_TRUE(report.sources[0].subjects.empty());
  EXPECT_EQ(report.sources[0].known_ids, 100U);
}

TEST_F(DumpMatcherTest, ACanarysAddressAloneNamesTheSource) {
  parts_.canaries[0].address = "anna.berg12@mail.example.net";
  parts_.canaries[1].address = "jin.kim90@b.example";
  for (const std::string& file :
       {std::string("name,mail\nAnna,Anna.Berg12@Mail.example.net\nX,x@mail.example.net\n"),
        std::string(
            "{\"m\":\"anna.berg12@mail.example.net\"}\n{\"m\":\"x@mail.example.net\"}\n")}) {
    for (const size_t piece : {1U, 7U, 1000U}) {
      const DumpReport report = Match(file, piece);
      ASSERT_TRUE(report.attributed) << file;
      EXPECT_EQ(*report.attributed, (DumpSource{"first", 2}));
      EXPECT_EQ(report.records, 2U);
      EXPECT_EQ(report.genuine_records, 1U);
      EXPECT_EQ(report.sources[0].canaries, std::vector<std::string>{"canary one"});
      EXPECT_EQ(report.sources[0].by_address_alone, 1U);
      EXPECT_EQ(report.sources[0].matched_ids, 0U);
      EXPECT_EQ(report.sources[0].log2_chance, 0);
    }
  }
  const DumpReport both =
      Match(parts_.canaries[0].vendor_id.ToHex() + ",anna.berg12@mail.example.net");
  EXPECT_EQ(both.sources[0].Matches(), 1U);
  EXPECT_EQ(both.sources[0].by_address_alone, 0U);
  EXPECT_EQ(both.sources[0].records, 1U);
}

TEST_F(DumpMatcherTest, AnAddressThatTwoSourcesHaveSpeaksForBoth) {
  parts_.canaries[0].address = parts_.canaries[1].address = "anna.berg12@mail.example.net";
  const DumpReport alone = Match("anna.berg12@mail.example.net\n");
  EXPECT_FALSE(alone.attributed);
  EXPECT_EQ(Of(alone, {"first", 2}).canaries.size(), 1U);
  EXPECT_EQ(Of(alone, {"second", 1}).canaries.size(), 1U);
  const DumpReport more = Match("anna.berg12@mail.example.net\n" + Hex({"second", 1}, 3));
  EXPECT_EQ(*more.attributed, (DumpSource{"second", 1}));
}

TEST_F(DumpMatcherTest, TooManyIdsAreRefused) {
  parts_.max_ids = 301;
  const auto matcher = DumpMatcher::Create(parts_);
  ASSERT_FALSE(matcher);
  EXPECT_EQ(matcher.error().code, ErrorCode::kLimit);
  parts_.max_ids = 302;
  EXPECT_TRUE(DumpMatcher::Create(parts_));
}

TEST(DumpChanceTest, IsTheUnionBound) {
  EXPECT_EQ(ChanceBound({0, 100, 1, 0}), 0);
  EXPECT_EQ(ChanceBound({1024, 1024, 1, 1}), 20 - 128);
  EXPECT_EQ(ChanceBound({1024, 1024, 4, 3}), 3 * (20 - 128) + 2);
  // Ten million records, a million persons, one match: below 2^-84.
  EXPECT_LT(ChanceBound({10'000'000, 1'000'000, 1, 1}), -84);
}

std::vector<std::string> Records(std::string_view file, size_t piece, uint64_t* cut = nullptr) {
  std::vector<std::string> records;
  DumpReader reader([&](std::string_view record) { records.emplace_back(record); });
  for (size_t at = 0; at < file.size(); at += piece) reader.Feed(file.substr(at, piece));
  reader.Finish();
  if (cut != nullptr) *cut = reader.cut();
  return records;
}

TEST(DumpReaderTest, QuotedFieldsGoOverLines) {
  const std::string file =
      " \n\xEF\xBB\xBF"
      "a,b\r\n1,\"two\nlines, and \"\"quotes\"\"\"\n\n5\" disk,x\ny;\"z\"\n\"open\n";
  const std::vector<std::string> expected = {"a,b", "1,\"two\nlines, and \"\"quotes\"\"\"",
                                             "5\" disk,x", "y;\"z\"", "\"open"};
  for (const size_t piece : {1U, 2U, 5U, 1000U}) EXPECT_EQ(Records(file, piece), expected) << piece;
}

TEST(DumpReaderTest, AQuoteThatNeverEndsTakesNoMoreThanARecord) {
  uint64_t cut = 0;
  std::string file = "\"";
  for (int i = 0; i < 300'000; ++i) file += "abcdefg\n";
  const auto records = Records(file, 4096, &cut);
  EXPECT_GE(cut, 1U);
  for (const std::string& record : records) EXPECT_LE(record.size(), DumpReader::kMaxRecordBytes);
  EXPECT_GT(records.size(), 100'000U);  // behind the cut, lines are records again
  EXPECT_EQ(Records(std::string(3 * DumpReader::kMaxRecordBytes, 'x'), 1 << 20, &cut).size(), 3U);
}

}  // namespace
}  // namespace bulkhead
