// Subjects are ordered as their bytes are.
#include "model/ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace bulkhead {
namespace {

TEST(SubjectId, IsOrderedAsItsBytes) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    SubjectId a;
    for (uint8_t& byte : a.bytes) byte = static_cast<uint8_t>(random());
    SubjectId b = a;
    const size_t changed = random() % 17;  // at 16: nothing is
    if (changed < 16) b.bytes[changed] = static_cast<uint8_t>(random());
    EXPECT_EQ(a < b, std::lexicographical_compare(a.bytes.begin(), a.bytes.end(), b.bytes.begin(),
                                                  b.bytes.end()));
    EXPECT_EQ(a <=> b == 0, a == b);
  }
}

}  // namespace
}  // namespace bulkhead
