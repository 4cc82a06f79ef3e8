#include "store/identity_links.h"

#include <gtest/gtest.h>

#include "store/random_batches.h"

namespace bulkhead {
namespace {

IdentityLink Link(uint32_t device, uint32_t user) {
  return {TestSubject(device), TestSubject(user), 0, 0};
}

TEST(IdentityLinks, ADeviceAsUserStandsForItsOwnUser) {
  IdentityLinks links;
  EXPECT_TRUE(links.Add(Link(1, 100)));
  EXPECT_TRUE(links.Add(Link(2, 1)));
  EXPECT_EQ(*links.user_of().Find(TestSubject(2)), TestSubject(100));
  EXPECT_EQ(links.links()[1].user, TestSubject(100));
  EXPECT_EQ(links.LinkedDevices(TestSubject(100)).size(), 2U);
}

TEST(IdentityLinks, NoChainWhateverTheLogHolds) {
  IdentityLinks links;
  size_t added = 0;
  for (uint32_t i = 0; i < 1000; ++i) added += links.Add(Link(i, i + 1)) ? 1 : 0;
  EXPECT_GT(added, 0U);
  for (uint32_t i = 0; i <= 1000; ++i) {
    const SubjectId* user = links.user_of().Find(TestSubject(i));
    if (user != nullptr) {
      EXPECT_EQ(links.user_of().Find(*user), nullptr) << i;
    }
  }
  EXPECT_FALSE(links.Add(Link(5000, 5000)));
  IdentityLinks circle;
  EXPECT_TRUE(circle.Add(Link(1, 2)));
  EXPECT_FALSE(circle.Add(Link(2, 1)));
}

TEST(IdentityLinks, AfterErasureAFormerUserMayBeADevice) {
  IdentityLinks links;
  EXPECT_TRUE(links.Add(Link(1, 2)));
  EXPECT_FALSE(links.Add(Link(2, 100)));
  links.Erase({TestSubject(1)});
  EXPECT_TRUE(links.Add(Link(2, 100)));
  IdentityLinks restored;
  restored.Restore(links.links());
  EXPECT_EQ(restored.links().size(), 2U);
  EXPECT_EQ(restored.Canonical(TestSubject(2)), TestSubject(100));
  EXPECT_EQ(restored.Canonical(TestSubject(1)), TestSubject(1));
}

}  // namespace
}  // namespace bulkhead
