#include "base/address_search.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace bulkhead {
namespace {

using Found = std::vector<std::pair<std::string, size_t>>;

Found Search(std::string_view text) {
  const std::vector<std::string> domains = {"mail.example.net", "b.example"};
  Found found;
  ForEachAddress(text, domains, [&](std::string_view local_part, size_t domain) {
    found.emplace_back(local_part, domain);
  });
  return found;
}

TEST(AddressSearchTest, FindsThemInEveryForm) {
  for (const char* text :
       {"anna.berg12@mail.example.net", "<anna.berg12@mail.example.net>",
        "mailto:anna.berg12@MAIL.example.net", "\"anna.berg12@mail.example.net\",x",
        "{\"e\":\"anna.berg12@mail.example.net\"}", "a@c.example;anna.berg12@mail.example.net.",
        "?q=anna.berg12%40mail.example.net&x", "%22anna.berg12%40mail.example.net%22",
        "@@anna.berg12@mail.example.net@"}) {
    EXPECT_EQ(Search(text), (Found{{"anna.berg12", 0}})) << text;
  }
  EXPECT_EQ(Search("Anna@b.example a@mail.example.net"), (Found{{"Anna", 1}, {"a", 0}}));
}

TEST(AddressSearchTest, FindsNoOthers) {
  for (const char* text : {"", "@", "%40", "%4", "a@mail.example.net.evil.org", "@mail.example.net",
                           "a@mail-example.net", "a at mail.example.net", "a@xmail.example.net",
                           "a@mail.example.ne", "a%41mail.example.net"}) {
    EXPECT_TRUE(Search(text).empty()) << text;
  }
}

}  // namespace
}  // namespace bulkhead
