#include "main/vendor_backfill.h"

#include "egress/vendor_fixture.h"
#include "main/vendor_feed.h"
#include "model/people_division.h"

namespace bulkhead {
namespace {

const SubjectId kDevice{{7, 8, 9}};

class VendorBackfillTest : public VendorFixture {
 protected:
  void Sent(const std::string& vendor, const SubjectId& subject) {
    ledger_.batches.push_back({vendor, 1, 20'000, 1, {{}}, {{subject, 0}}});
  }
  // Of one hour alone: what is stored, each with the device that it was sent under.
  void Stored(std::vector<std::pair<Event, SubjectId>> events) {
    page_.entries.assign(1, {"acme", 0, {}});
    for (auto& [event, device] : events) {
      page_.entries[0].filtered.events.push_back(event);
      page_.entries[0].sent_as.push_back(device);
    }
    page_.entries[0].filtered.project = ProjectId{1};
  }
  Result<BackfilledDay> Run(std::vector<std::string> kept_apart_from) {
    bool told = false;
    VendorBackfill backfill({&ledger_, &clock_,
                             [&, told](const std::string&, int64_t from_ms,
                                       int64_t to_ms) mutable -> Result<VendorFeedPage> {
                               if (to_ms - from_ms > most_ms_) {
                                 return Error{ErrorCode::kLimit, "too many"};
                               }
                               return std::exchange(told, true) ? VendorFeedPage() : page_;
                             }},
                            sender_.get(), "acme", std::move(kept_apart_from));
    return backfill.Run(20'000);
  }

  VendorFeedPage page_;
  int64_t most_ms_ = 3'600'000;
};

TEST_F(VendorBackfillTest, WhomAnotherVendorHasIsLeftOutUnderAnyId) {
  OpenWithCredential();
  const SubjectId carl{{10}};
  Sent("zenith", kAnn);
  Sent("zenith", kDevice);
  Sent("lake", carl);
  Stored({{MakeEvent(kAnn, "Bought", 1), {}},
          {MakeEvent(kBob, "Bought", 2), {}},
          {MakeEvent(kBob, "Bought", 3), kDevice},
          {MakeEvent(carl, "Bought", 4), {}},
          {MakeEvent(SubjectId(), "Bought", 5), {}}});
  const Result<BackfilledDay> some = Run({"zenith"});
  ASSERT_TRUE(some) << some.error().message;
  EXPECT_EQ(some->messages, 3U);  // Bob's own, Carl's, nobody's
  EXPECT_EQ(some->left_out_messages, 2U);
  EXPECT_EQ(some->left_out_people, 2U);
  const Result<BackfilledDay> all = Run({});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->messages, 5U);
  EXPECT_EQ(all->left_out_people, 0U);
}

TEST_F(VendorBackfillTest, ASpanWithTooMuchIsHalved) {
  OpenWithCredential();
  most_ms_ = 1000;
  Stored({{MakeEvent(kBob, "Bought", 1), {}}});
  const Result<BackfilledDay> done = Run({"zenith"});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->messages, 1U);
}

TEST_F(VendorBackfillTest, IsKeptApartFromWhoDividesAndFromWhoLeft) {
  VendorPolicies policies;
  for (const char* name : {"acme", "zenith", "lake"}) policies[name].project = ProjectId{1};
  policies["other"].project = ProjectId{2};
  policies["lake"].share = PeopleShare::All();
  DividePeople(&policies);
  Sent("gone", kAnn);
  Sent("lake", kAnn);
  Sent("other", kAnn);
  Sent("acme", kAnn);
  EXPECT_EQ(KeptApartFrom(ledger_, policies, "acme"), (std::vector<std::string>{"gone", "zenith"}));
  EXPECT_TRUE(KeptApartFrom(ledger_, policies, "lake").empty());
  EXPECT_TRUE(KeptApartFrom(ledger_, policies, "nobody").empty());
}

TEST(VendorFeedPageTest, CarriesDevicesOrIsRefused) {
  VendorFeedPage page;
  VendorFeedEntry& entry = page.entries.emplace_back(VendorFeedEntry{"acme", 7, {}});
  entry.filtered.project = ProjectId{1};
  Event event;
  event.name = "Bought";
  event.person = kAnn;
  entry.filtered.events = {event, event};
  entry.sent_as = {kDevice, SubjectId()};
  const Result<VendorFeedPage> again = DecodeFeedPage(EncodeFeedPage(page));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->entries.at(0).sent_as, entry.sent_as);
  entry.sent_as.pop_back();
  EXPECT_FALSE(DecodeFeedPage(EncodeFeedPage(page)));
  entry.sent_as.clear();
  EXPECT_TRUE(DecodeFeedPage(EncodeFeedPage(page)));
  const std::string bytes = EncodeFeedPage(page);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeFeedPage(std::string_view(bytes).substr(0, size)));
  }
}

}  // namespace
}  // namespace bulkhead
