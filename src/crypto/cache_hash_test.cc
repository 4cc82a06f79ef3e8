#include "crypto/cache_hash.h"

#include <gtest/gtest.h>

#include <string>

namespace bulkhead {
namespace {

TEST(CacheHash, FindsTheSameTextAgainAndNoOther) {
  const CacheHash hash;
  EXPECT_EQ(hash.Of("jane@example.com"), hash.Of(std::string("jane@") + "example.com"));
  EXPECT_NE(hash.Of("jane@example.com"), hash.Of("jane@example.org"));
  EXPECT_NE(hash.Of(""), CacheDigest{});
}

TEST(CacheHash, NoTwoHaveTheSameKey) {
  EXPECT_NE(CacheHash().Of("jane@example.com"), CacheHash().Of("jane@example.com"));
}

}  // namespace
}  // namespace bulkhead
