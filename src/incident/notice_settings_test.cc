#include "incident/notice_settings.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

constexpr std::string_view kWhole = R"(schema = 1
from = "security@example.com"
from_name = "Example"
check_page = "example.com/notice"
[dkim]
domain = "example.com"
rsa_selector = "r1"
ed25519_selector = "e1"
key = 3
[relay]
host = "smtp.example.com"
port = 465
tls = "implicit"
user = "notices"
authorities = "ca.pem"
allow_addresses = ["10.0.0.7"]
mails_per_second = 20
)";

std::string With(std::string_view was, std::string_view is_now) {
  std::string text(kWhole);
  const size_t at = text.find(was);
  EXPECT_NE(at, std::string::npos) << was;
  return text.replace(at, was.size(), is_now);
}

TEST(NoticeSettingsTest, EverythingIsRead) {
  const NoticeSettings settings = ParseNoticeSettings(kWhole, "notice.toml").value();
  EXPECT_EQ(settings.from, "security@example.com");
  EXPECT_EQ(settings.from_name, "Example");
  EXPECT_EQ(settings.check_page, "example.com/notice");
  EXPECT_EQ(settings.dkim_domain, "example.com");
  EXPECT_EQ(settings.dkim_key, 3U);
  EXPECT_EQ(settings.relay_host, "smtp.example.com");
  EXPECT_EQ(settings.relay_port, 465);
  EXPECT_EQ(settings.relay_tls, SmtpTls::kImplicit);
  EXPECT_EQ(settings.relay_user, "notices");
  EXPECT_EQ(settings.relay_authorities, "ca.pem");
  EXPECT_EQ(settings.allow_addresses, std::vector<std::string>{"10.0.0.7"});
  EXPECT_EQ(settings.mails_per_second, 20);
}

TEST(NoticeSettingsTest, WhatIsLeftOutHasSafeDefaults) {
  const NoticeSettings settings = ParseNoticeSettings(R"(schema = 1
from = "a@mail.example.com"
check_page = "example.com/notice"
dkim = {domain = "example.com", rsa_selector = "r", ed25519_selector = "e"}
relay = {host = "smtp.example.com"}
)",
                                                      "notice.toml")
                                      .value();
  EXPECT_EQ(settings.relay_tls, SmtpTls::kStartTls);
  EXPECT_EQ(settings.relay_port, 587);
  EXPECT_EQ(settings.dkim_key, 0U);
  EXPECT_EQ(settings.mails_per_second, 5);
}

TEST(NoticeSettingsTest, MistakesAreToldByLineAndKey) {
  const std::pair<std::string, const char*> wrong[] = {
      {With("security@", "security"), "notice.toml:2: from: an address expected"},
      {With("security@example.com", "security@example.org"), "from: an address of dkim.domain"},
      {With("security@example.com", "security@notexample.com"), "from: an address of dkim.domain"},
      {With("example.com/notice", "https://example.com"), "notice.toml:4: check_page: "},
      {With("domain = \"example.com\"\n", ""), "notice.toml:5: dkim.domain: missing"},
      {With("\"e1\"", "\"r1\""), "dkim.ed25519_selector: another one"},
      {With("\"e1\"", "\"e 1\""), "notice.toml:8: dkim.ed25519_selector: a name"},
      {With("key = 3", "key = 0"), "notice.toml:9: dkim.key: "},
      {With("smtp.example.com", "smtp.example.com/x"), "notice.toml:11: relay.host: "},
      {With("port = 465", "port = 65536"), "notice.toml:12: relay.port: "},
      {With("implicit", "perhaps"), "notice.toml:13: relay.tls: one of"},
      {With("implicit", "none"), "relay.user: no sign-in without TLS"},
      {With("ca.pem", "../ca.pem"), "notice.toml:15: relay.authorities: "},
      {With("mails_per_second", "rate"), "notice.toml:17: relay.rate: unknown key"},
      {With("schema = 1\n", ""), "schema: missing"},
      {std::string("schema = 1\n"), "relay: missing"},
  };
  for (const auto& [text, expected] : wrong) {
    const auto settings = ParseNoticeSettings(text, "notice.toml");
    ASSERT_FALSE(settings) << expected;
    EXPECT_EQ(settings.error().code, ErrorCode::kInvalid);
    EXPECT_NE(settings.error().message.find(expected), std::string::npos)
        << settings.error().message << " lacks " << expected;
  }
}

TEST(NoticeSettingsTest, PlainTextNeedsANamedAddress) {
  std::string text = With("implicit", "none");
  text.replace(text.find("user = \"notices\"\n"), 17, "");
  EXPECT_TRUE(ParseNoticeSettings(text, "n"));
  text.replace(text.find("allow_addresses = [\"10.0.0.7\"]\n"), 31, "");
  EXPECT_FALSE(ParseNoticeSettings(text, "n"));
}

}  // namespace
}  // namespace bulkhead
