#include "main/drill_thief.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "main/drill_count.h"

namespace bulkhead {
namespace {

std::vector<DemoItem> Traffic() {
  return {
      {1, false,
       R"({"event":"page_viewed","properties":{"distinct_id":"user-000001","$user_id":"user-000001",)"
       R"("$device_id":"d1e-2f","ip":"8.8.8.8","$current_url":"https://a.example/?email=ann.lake@customer.example"}})"},
      {2, true,
       R"({"$distinct_id":"user-000001","$ip":"8.8.8.8","$set":{"$email":"Bob.Hill2@customer.example",)"
       R"("$name":"Bob Hill","organization":"org-1a2b"}})"},
      {3, false, R"({"event":"page_viewed","properties":{"distinct_id":"$device:d1e-2f"}})"}};
}

std::map<std::string, DrillSearch> Found(const Giveaways::Findings& findings) {
  std::map<std::string, DrillSearch> found;
  for (const DrillSearch& search : findings.searches) found[search.what] = search;
  return found;
}

TEST(DrillThiefTest, FindsWhateverTheSdksSent) {
  const Giveaways giveaways(Traffic());
  std::string all;
  for (const DemoItem& item : Traffic()) all += item.json + "\n";
  auto found = Found(giveaways.SearchIn(all, "mail.example"));
  ASSERT_EQ(found.size(), 6U);
  for (const auto& [what, search] : found) {
    EXPECT_EQ(search.in_traffic, search.in_stolen) << what;
    EXPECT_EQ(search.canaries, 0U) << what;
  }
  EXPECT_EQ(found["e-mail addresses"].in_traffic, 2U);
  EXPECT_EQ(found["user ids"].in_traffic, 1U);
}

TEST(DrillThiefTest, OfCanariesItFindsThemAlone) {
  const Giveaways giveaways(Traffic());
  const auto findings = giveaways.SearchIn(
      R"({"$distinct_id":"9f65","$properties":{"$email":"bob@mail.example","$name":"Bob Hill"}})"
      "\n"
      R"({"event":"page_viewed","properties":{"distinct_id":"77aa","$referrer":"https://a.example"}})",
      "mail.example");
  auto found = Found(findings);
  EXPECT_EQ(found["e-mail addresses"].in_stolen, 0U);
  EXPECT_EQ(found["e-mail addresses"].canaries, 1U);
  EXPECT_EQ(found["full names"].in_stolen, 0U);
  EXPECT_EQ(found["full names"].canaries, 1U);
  EXPECT_EQ(findings.addresses, std::set<std::string>{"bob@mail.example"});
}

TEST(DrillThiefTest, AnAddressThatNobodySentCountsToo) {
  auto found = Found(Giveaways(Traffic()).SearchIn("<unknown@elsewhere.example>,", "mail.example"));
  EXPECT_EQ(found["e-mail addresses"].in_stolen, 1U);
  EXPECT_EQ(found["e-mail addresses"].canaries, 0U);
}

IncidentExposure Ledger() {
  IncidentExposure ledger;
  ledger.subjects = 2;
  ledger.sends = 4;
  ledger.fields = {{{{"event name", FieldForm::kPlain}, 2, 3, 0, 0}, ""},
                   {{{"plan", FieldForm::kPlain}, 1, 1, 0, 0}, ""},
                   {{{"$email", FieldForm::kIdentity}, 0, 1, 0, 0}, ""},
                   {{{"time", FieldForm::kCoarse}, 2, 4, 0, 0}, ""}};
  return ledger;
}

constexpr const char* kExport =
    R"({"event":"a","properties":{"time":1,"distinct_id":"aa-bb","$insert_id":"1"}})"
    "\n"
    R"({"event":"a","properties":{"time":1,"distinct_id":"ccdd","$insert_id":"2","plan":"pro"}})"
    "\n"
    R"({"event":"a","properties":{"time":1,"distinct_id":"","$insert_id":"3"}})"
    "\n"
    R"({"$distinct_id":"ee-ff","$properties":{"$email":"x@mail.example"}})"
    "\n";

TEST(DrillCountTest, EqualsALedgerThatSaysTheSame) {
  const auto counts = CountAgainstLedger(kExport, {"eeff"}, Ledger());
  ASSERT_TRUE(counts);
  ASSERT_EQ(counts->size(), 5U);
  for (const DrillCount& count : *counts) EXPECT_TRUE(count.IsEqual()) << count.what;
}

TEST(DrillCountTest, NoticesALedgerThatSaysLess) {
  IncidentExposure ledger = Ledger();
  ledger.subjects = 1;
  ledger.fields.erase(ledger.fields.begin() + 1);
  const auto counts = CountAgainstLedger(kExport, {"eeff"}, ledger);
  ASSERT_TRUE(counts);
  EXPECT_TRUE(counts->front().IsShort());
  const auto plan = std::ranges::find(*counts, "plan", &DrillCount::what);
  ASSERT_NE(plan, counts->end());
  EXPECT_TRUE(plan->IsShort());
  EXPECT_FALSE(CountAgainstLedger("{}\n", {}, ledger));
  EXPECT_FALSE(CountAgainstLedger("no JSON\n", {}, ledger));
}

}  // namespace
}  // namespace bulkhead
