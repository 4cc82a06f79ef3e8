#include "incident/subject_table.h"

#include <gtest/gtest.h>

#include <map>

#include "egress/naive_ledger.h"
#include "incident/exposure_survey.h"

namespace bulkhead {
namespace {

const SentField kEmail{"$email", FieldForm::kIdentity};
const SentField kPlan{"plan", FieldForm::kPlain};

std::map<SubjectId, SentFields> ListOf(const SubjectTable& table) {
  std::map<SubjectId, SentFields> list;
  SubjectId before;
  EXPECT_TRUE(table.ForEachSubject([&](const SubjectId& subject, const SentFields& fields) {
    EXPECT_LT(before, subject);
    before = subject;
    return list.emplace(subject, fields).second;
  }));
  return list;
}

TEST(SubjectTableTest, EachSubjectOnceWithAllThatIsKnown) {
  SubjectTable table;
  const SubjectId a = LedgerSubject(1), b = LedgerSubject(2), c = LedgerSubject(3);
  ASSERT_TRUE(table.Add(std::vector{a, b}, table.SetOf({kEmail})));
  table.AddReads(kEmail, 2, 100, 100);
  ASSERT_TRUE(table.Add(std::vector{b, c, SubjectId{}}, table.SetOf({kPlan})));
  table.AddReads(kPlan, 2, 105, 107);
  ASSERT_TRUE(table.Add(std::vector{b}, table.SetOf({kEmail, kPlan})));
  table.AddReads(kEmail, 1, 90, 90);
  table.AddReads(5);
  table.Close();
  EXPECT_EQ(ListOf(table),
            (std::map<SubjectId, SentFields>{{a, {kEmail}}, {b, {kEmail, kPlan}}, {c, {kPlan}}}));
  const Result<Exposure> exposure = table.Ask();
  ASSERT_TRUE(exposure);
  EXPECT_EQ(exposure->subjects, 3U);
  EXPECT_EQ(exposure->sends, 5U);
  ASSERT_EQ(exposure->fields.size(), 2U);
  EXPECT_EQ(exposure->fields[0].field, kEmail);
  EXPECT_EQ(exposure->fields[0].subjects, 2U);
  EXPECT_EQ(exposure->fields[0].sends, 3U);
  EXPECT_EQ(exposure->fields[0].first_day, 90);
  EXPECT_EQ(exposure->fields[1].subjects, 2U);
  EXPECT_EQ(exposure->fields[1].last_day, 107);
}

TEST(SubjectTableTest, AgreesWithTheSimplestForm) {
  std::mt19937_64 random(7);
  const std::vector<SentField> all = {kEmail, kPlan, {"town", FieldForm::kToken}};
  for (int round = 0; round < 50; ++round) {
    SubjectTable table;
    std::map<SubjectId, std::set<SentField>> naive;
    for (uint64_t adds = random() % 20; adds > 0; --adds) {
      std::set<SentField> fields;
      for (const SentField& field : all) {
        if (random() % 2 == 0) fields.insert(field);
      }
      std::vector<SubjectId> subjects(random() % 6);
      for (SubjectId& subject : subjects) {
        subject = LedgerSubject(static_cast<uint32_t>(random() % 8));
        naive[subject].insert(fields.begin(), fields.end());
      }
      ASSERT_TRUE(table.Add(subjects, table.SetOf({fields.begin(), fields.end()})));
    }
    table.Close();
    std::map<SubjectId, SentFields> expected;
    for (const auto& [subject, fields] : naive) expected[subject] = {fields.begin(), fields.end()};
    EXPECT_EQ(ListOf(table), expected);
    EXPECT_EQ(table.Ask()->subjects, expected.size());
  }
}

TEST(SubjectTableTest, IsSurveyedAsTheLedgerIs) {
  SubjectTable table;
  ASSERT_TRUE(table.Add(std::vector{LedgerSubject(1)}, table.SetOf({kEmail})));
  ASSERT_TRUE(table.Add(std::vector{LedgerSubject(2)}, table.SetOf({})));
  table.AddReads(kEmail, 1, 100, 100);
  table.Close();
  const ProjectPolicy policy;
  const ExposedClasses classes({}, policy);
  const auto exposure = SurveyExposure({&table, &classes, {}});
  ASSERT_TRUE(exposure);
  EXPECT_EQ(exposure->bands[0], 1U);
  EXPECT_EQ(exposure->bands[1], 1U);
  const auto page = ListByRisk({&table, &classes, {}}, std::nullopt, 1);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->subjects.at(0).subject, LedgerSubject(1));
  EXPECT_TRUE(page->more);
}

}  // namespace
}  // namespace bulkhead
