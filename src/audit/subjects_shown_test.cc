#include "audit/subjects_shown.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "audit/log_fixture.h"

namespace bulkhead {
namespace {

constexpr const char* kAnn = "ann";

class SubjectsShownTest : public AuditLogTest {
 protected:
  void Append(const std::string& actor, const std::string& action,
              const std::vector<uint64_t>& subjects, const std::string& outcome = "allowed",
              const std::string& approval = "") {
    AuditEntry entry;
    entry.actor = actor;
    entry.action = action;
    entry.project = 1;
    entry.outcome = outcome;
    entry.approval = approval;
    entry.scope = "2025-11-01 to 2025-11-09, all events";
    if (action == "reveal") entry.fields = {"$email"};
    for (const uint64_t number : subjects) entry.subjects.push_back(TestSubject(number));
    clock_.Set(clock_.NowMs() + 1000);
    EXPECT_TRUE(log_->Append(entry)) << action;
  }
  ShownQuery OfAnn() const { return {kAnn, 0, clock_.NowMs() + 1, "", std::nullopt}; }
  // All pages, each subject by entry.
  std::map<uint64_t, std::set<SubjectId>> ListAll(const ShownQuery& query, size_t most) {
    std::map<uint64_t, std::set<SubjectId>> all;
    ShownPlace from;
    for (bool more = true; more;) {
      const Result<ShownPage> page = ListShown(*log_, query, from, most);
      EXPECT_TRUE(page);
      for (const ShownEntry& entry : page->entries) {
        EXPECT_LE(entry.subjects.size(), most);
        all[entry.index].insert(entry.subjects.begin(), entry.subjects.end());
      }
      more = page->next.has_value();
      if (more) {
        EXPECT_LT(from, *page->next);
        from = *page->next;
      }
    }
    return all;
  }

  std::unique_ptr<AuditLog> log_ = Open();
};

TEST_F(SubjectsShownTest, OnlyWhatWasAllowedAndShowsPersons) {
  Append(kAnn, "reveal", {1, 2});  // 0
  Append(kAnn, "reveal", {3}, "denied");
  Append(kAnn, "reveal", {1, 2}, "failed");
  Append("bob", "reveal", {4});
  Append(kAnn, "export.ask", {5});
  Append(kAnn, "erase", {6}, "allowed");
  Append(kAnn, "stream/query", {7});  // 6
  Append(kAnn, "export", {});         // 7
  Append(kAnn, "sign-in", {});
  Append("annette", "reveal", {8});
  const Result<ShownPage> page = ListShown(*log_, OfAnn(), {}, 100);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->entries.size(), 3U);
  EXPECT_EQ(page->entries[0].index, 0U);
  EXPECT_EQ(page->entries[0].fields, std::vector<std::string>{"$email"});
  EXPECT_EQ(page->entries[0].subjects.size(), 2U);
  EXPECT_EQ(page->entries[1].index, 6U);
  EXPECT_EQ(page->entries[2].index, 7U);
  EXPECT_EQ(page->entries[2].set, ShownSet::kInScope);
  EXPECT_EQ(page->entries[2].scope, "2025-11-01 to 2025-11-09, all events");
  EXPECT_TRUE(page->known);
  EXPECT_FALSE(page->next);
}

TEST_F(SubjectsShownTest, PagesOfAnySizeAreTheSameList) {
  std::vector<uint64_t> many;
  for (uint64_t i = 0; i < 300; ++i) {
    many.push_back(i);
    Append(i % 3 == 0 ? "bob" : kAnn, "reveal", {i, i + 1, 1000});
  }
  Append(kAnn, "reveal", many);
  const auto whole = ListAll(OfAnn(), 1'000'000);
  EXPECT_EQ(whole.size(), 201U);
  EXPECT_EQ(whole.at(300).size(), 300U);
  for (const size_t most : {1U, 2U, 7U, 299U}) EXPECT_EQ(ListAll(OfAnn(), most), whole) << most;
}

TEST_F(SubjectsShownTest, TheTimeIsHalfOpen) {
  Append(kAnn, "reveal", {1});
  const int64_t first = clock_.NowMs();
  Append(kAnn, "reveal", {2});
  const int64_t second = clock_.NowMs();
  EXPECT_EQ(ListAll({kAnn, first, second, "", std::nullopt}, 9).size(), 1U);
  EXPECT_EQ(ListAll({kAnn, first, second + 1, "", std::nullopt}, 9).size(), 2U);
  EXPECT_EQ(ListAll({kAnn, first + 1, second, "", std::nullopt}, 9).size(), 0U);
}

TEST_F(SubjectsShownTest, AnExportByItsIdAndAnEntryByItsNumber) {
  Append(kAnn, "export.ask", {1, 2}, "allowed", "ab12");
  Append(kAnn, "export.page", {1}, "allowed", "ab12");
  Append(kAnn, "export.page", {2}, "allowed", "ab12");
  Append(kAnn, "export.page", {3}, "allowed", "cd34");
  const auto pages = ListAll({"", 0, 0, "ab12", std::nullopt}, 9);
  EXPECT_EQ(pages, (std::map<uint64_t, std::set<SubjectId>>{{1, {TestSubject(1)}},
                                                            {2, {TestSubject(2)}}}));
  EXPECT_EQ(ListAll({"", 0, 0, "", 3}, 9).size(), 1U);
  EXPECT_FALSE(ListShown(*log_, {"", 0, 0, "ff", std::nullopt}, {}, 9)->known);
  EXPECT_FALSE(ListShown(*log_, {"", 0, 0, "", 4}, {}, 9)->known);
  EXPECT_TRUE(ListShown(*log_, {"", 0, 0, "", 0}, {}, 9)->known);
}

TEST_F(SubjectsShownTest, WhoeverNeverWasIsToldFromWhoWasShownNobody) {
  Append(kAnn, "sign-in", {});
  EXPECT_TRUE(ListShown(*log_, {kAnn, 0, 1, "", std::nullopt}, {}, 9)->known);
  EXPECT_FALSE(ListShown(*log_, {"nobody", 0, 1, "", std::nullopt}, {}, 9)->known);
}

TEST_F(SubjectsShownTest, ErasedPersonsAreInNothingAndSetsMayBeThrownAway) {
  Append(kAnn, "reveal", {1, 2, 3});
  ASSERT_TRUE(log_->ForgetSubjects(std::vector{TestSubject(2)}));
  const Result<ShownPage> page = ListShown(*log_, OfAnn(), {}, 9);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->entries[0].forgotten, 1U);
  std::vector<SubjectId> left = page->entries[0].subjects;
  std::ranges::sort(left);
  EXPECT_EQ(std::ranges::find(left, TestSubject(2)), left.end());
  EXPECT_EQ(left.size(), 2U);
  ASSERT_TRUE(fs_->Remove(Path("sets/000")));
  log_ = Open();
  EXPECT_EQ(ListShown(*log_, OfAnn(), {}, 9)->entries[0].set, ShownSet::kThrownAway);
}

}  // namespace
}  // namespace bulkhead
