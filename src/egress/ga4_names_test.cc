#include "egress/ga4_names.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

TEST(Ga4Names, AreMadeFit) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"purchase", "purchase"},
      {"Signed Up!", "Signed_Up_"},
      {"$pageview", "pageview"},
      {"__x", "x"},
      {"2nd step", "nd_step"},
      {"Größe", "Gr____e"},
      {"first_visit", "x_first_visit"},
      {"FIRST_VISIT", "x_FIRST_VISIT"},
      {"google_it", "x_google_it"},
      {"gtag.js", "x_gtag_js"},
      {"profile_update", "x_profile_update"},
      {"登録", ""},
      {"", ""},
      {"123", ""}};
  for (const auto& [name, fit] : cases) EXPECT_EQ(Ga4Name(name, Ga4Kind::kEvent), fit);
  EXPECT_EQ(Ga4Name("first_visit", Ga4Kind::kParameter), "first_visit");
  EXPECT_EQ(Ga4Name("user_id", Ga4Kind::kUserProperty), "x_user_id");
  EXPECT_EQ(Ga4Name("first_open_after_installation", Ga4Kind::kUserProperty),
            "x_first_open_after_insta");
  EXPECT_EQ(Ga4Name(std::string(99, 'a'), Ga4Kind::kEvent), std::string(40, 'a'));
  EXPECT_EQ(Ga4Name(std::string(99, 'a'), Ga4Kind::kUserProperty), std::string(24, 'a'));
}

TEST(Ga4Values, AreNumbersOrTexts) {
  EXPECT_EQ(Ga4Value(Value(2.5), Ga4Kind::kParameter), "2.5");
  EXPECT_EQ(Ga4Value(Value(false), Ga4Kind::kParameter), R"("false")");
  EXPECT_EQ(Ga4Value(Value(), Ga4Kind::kParameter), "");
  EXPECT_EQ(Ga4Value(Value(ValueList{Value("a"), Value(1.0)}), Ga4Kind::kParameter),
            R"("[\"a\",1]")");
  std::string hundred;
  for (int i = 0; i < 100; ++i) hundred += "é";
  EXPECT_EQ(Ga4Value(Value(hundred + "é"), Ga4Kind::kParameter), "\"" + hundred + "\"");
  EXPECT_EQ(Ga4Value(Value(std::string(40, 'x')), Ga4Kind::kUserProperty),
            "\"" + std::string(36, 'x') + "\"");
}

}  // namespace
}  // namespace bulkhead
