#include "intake/pseudonyms.h"

#include <gtest/gtest.h>

#include <string>

#include "base/memory_search.h"
#include "base/wiped_heap.h"
#include "crypto/keys.h"

namespace bulkhead {
namespace {

IntakeKeys KeysWith(char insert_id_key) {
  IntakeKeys keys;
  keys.pseudonym_key = SecretBytes(std::string(32, 'p'));
  keys.insert_id_key = SecretBytes(std::string(32, insert_id_key));
  return keys;
}

TEST(Pseudonyms, AnEventSentAgainAfterAChangeOfTheInsertIdKeyIsTheSame) {
  constexpr int64_t kFirst = 1000;
  constexpr int64_t kSecond = 2000;
  const Pseudonyms before(KeysWith('a'));
  IntakeKeys keys = KeysWith('b');
  keys.old_insert_id_keys.push_back({kFirst, SecretBytes(std::string(32, 'a'))});
  const Pseudonyms between(keys);
  keys = KeysWith('c');
  keys.old_insert_id_keys.push_back({kFirst, SecretBytes(std::string(32, 'a'))});
  keys.old_insert_id_keys.push_back({kSecond, SecretBytes(std::string(32, 'b'))});
  const Pseudonyms after(keys);
  EXPECT_EQ(after.InsertId("i", kFirst - 1), before.InsertId("i", kFirst - 1));
  EXPECT_EQ(after.InsertId("i", kFirst), between.InsertId("i", kFirst));
  EXPECT_EQ(after.InsertId("i", kSecond - 1), between.InsertId("i", kSecond - 1));
  EXPECT_NE(after.InsertId("i", kFirst), before.InsertId("i", kFirst));
  EXPECT_NE(after.InsertId("i", kSecond), between.InsertId("i", kSecond));
  EXPECT_EQ(after.InsertId("", kSecond), 0U);
}

TEST(Pseudonyms, WhatIsRememberedOfAnotherKeyIsNotTaken) {
  IntakeKeys other = KeysWith('a');
  other.pseudonym_key = SecretBytes(std::string(32, 'q'));
  const Pseudonyms first(KeysWith('a'));
  const Pseudonyms second(other);
  const SubjectId subject = first.Of("jane@example.com");
  EXPECT_NE(second.Of("jane@example.com"), subject);
  EXPECT_EQ(first.Of("jane@example.com"), subject);  // remembered or not
  EXPECT_EQ(first.Of("jane@example.com"), subject);
}

TEST(Pseudonyms, RawIdsAreNotKept) {
  if (kSanitized) GTEST_SKIP() << "not with a sanitizer";
  const Pseudonyms pseudonyms(KeysWith('a'));
  std::string id;
  for (int i = 0; i < 30; ++i) id.push_back(static_cast<char>('a' + i * 7 % 26));
  EXPECT_FALSE(pseudonyms.Of(id).IsNobody());
  const std::string veiled = Veiled(std::move(id));
  WipeUnusedStack();
  EXPECT_EQ(Copies(veiled), 0U);
}

}  // namespace
}  // namespace bulkhead
