#include "intake/pseudonyms.h"

#include <gtest/gtest.h>

#include <string>

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

}  // namespace
}  // namespace bulkhead
