#include "base/toml_reader.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

std::string Mistakes(std::string_view text) {
  TomlReader reader("f");
  const bool read = reader.Parse(text, 1000).has_value();
  EXPECT_EQ(read, reader.errors().empty());
  return reader.errors();
}

TEST(TomlReaderTest, ForeignCharactersStandInStringsAndComments) {
  for (const std::string_view text :
       {"a = \"\xC3\xBC\" # \xC3\xBC", "a = '\xC3\xBC'",
        "\xEF\xBB\xBF"
        "a = 1",
        "\"\xC3\xBC\" = 1", "a = \"\"\"\xC3\xBC\"\"\"", "a = \"\"\"\\\n\xC2\xA7\"\"\""}) {
    EXPECT_EQ(Mistakes(text), "") << text;
  }
  for (const std::string_view text :
       {"a = \xC3\xBC", "\xC2\xA7 = 1", "\xCC\xAA", "a = \xEF\xBB\xAF", "a = 26-01'\xCF\xA3",
        "[[a]x\xFD]", "[\\a]"}) {
    EXPECT_EQ(Mistakes(text), "f:1: this is no TOML from here on") << text;
  }
}

TEST(TomlReaderTest, NotesEveryMistakeAndGoesOn) {
  TomlReader reader("f");
  const auto root =
      reader.Parse("a = 1\nb = 'x'\nday = 2025-02-28\ntime = 2025-02-28T00:00:00\nc = 1", 1000);
  ASSERT_TRUE(root);
  TomlSection top(*root, "");
  EXPECT_EQ(reader.Text(&top, "a"), "");
  EXPECT_EQ(reader.Number(&top, "b", {1, 2}, 7), 7);
  EXPECT_EQ(reader.Day(&top, "day"), std::chrono::sys_days(std::chrono::year(2025) / 2 / 28));
  EXPECT_FALSE(reader.Day(&top, "time"));
  EXPECT_FALSE(reader.Day(&top, "absent"));
  reader.Finish(top);
  EXPECT_EQ(reader.errors(),
            "f:1: a: a string expected\nf:2: b: a whole number from 1 to 2 expected\nf:4: time: a "
            "date expected, without a time and without quotes\nf:5: c: unknown key");
}

TEST(TomlReaderTest, RefusesWhatIsTooLargeOrNoToml) {
  EXPECT_EQ(Mistakes(std::string(1001, ' ')), "f:1: larger than 1000 bytes");
  EXPECT_EQ(Mistakes("a = 1\nb ="), "f:2: this is no TOML from here on");
}

}  // namespace
}  // namespace bulkhead
