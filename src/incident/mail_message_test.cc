#include "incident/mail_message.h"

#include "base/base64.h"
#include "incident/incident_fixture.h"

namespace bulkhead {
namespace {

MailEnvelope Envelope() {
  return {"Example \"Platform\"", "security@example.com", "one@example.org", At(2025, 11, 27, 9, 5),
          "n1"};
}

std::string HeaderOf(const MailMessage& mail, std::string_view name) {
  for (const auto& [one, value] : mail.headers) {
    if (one == name) return value;
  }
  return "";
}

// The opposite of EncodeHeaderText for text that is no ASCII.
std::string Decoded(const std::string& text) {
  std::string out;
  for (size_t at = 0; (at = text.find("=?utf-8?B?", at)) != std::string::npos;) {
    const size_t begin = at + 10;
    at = text.find("?=", begin);
    out += Base64DecodeStrict(text.substr(begin, at - begin)).value();
  }
  return out;
}

TEST(MailMessageTest, HasTheHeadersOfAMail) {
  Notice notice;
  notice.subject = "Some of your data was exposed";
  notice.text = "Plain \xC3\xBC\n";
  notice.html = "<p>Plain \xC3\xBC</p>\n";
  const MailMessage mail = ComposeMail(Envelope(), notice).value();
  EXPECT_EQ(HeaderOf(mail, "From"), "\"Example \\\"Platform\\\"\"\r\n <security@example.com>");
  EXPECT_EQ(HeaderOf(mail, "Subject"), notice.subject);
  EXPECT_EQ(HeaderOf(mail, "Date"), "Thu, 27 Nov 2025 09:05:00 +0000");
  EXPECT_EQ(HeaderOf(mail, "Message-ID"), "<n1@example.com>");
  EXPECT_NE(mail.body.find(Base64Encode(notice.text)), std::string::npos);
  EXPECT_NE(mail.body.find(Base64Encode(notice.html)), std::string::npos);
  const std::string text = WriteMail(mail);
  for (size_t at = 0, end; at < text.size(); at = end + 2) {
    end = text.find("\r\n", at);
    ASSERT_NE(end, std::string::npos);
    EXPECT_LE(end - at, 78U) << text.substr(at, end - at);
  }
  for (const char c : text) EXPECT_TRUE((c >= 0x20 && c < 0x7F) || c == '\r' || c == '\n');
}

TEST(MailMessageTest, SubjectsOfAnyLanguageComeBackWhole) {
  for (const std::string& subject :
       {std::string("Ein Teil Ihrer Daten wurde \xC3\xB6"
                    "ffentlich"),
        std::string("\xE6\x82\xA8\xE7\x9A\x84\xE6\x95\xB0\xE6\x8D\xAE"),
        std::string(200, 'a') + "\xF0\x9F\x94\x92" + std::string(100, 'b'),
        std::string("looks encoded =?utf-8?B?eA==?=")}) {
    const std::string encoded = EncodeHeaderText(subject, 9);
    EXPECT_EQ(Decoded(encoded), subject);
    size_t line = 9;
    for (size_t at = 0; at < encoded.size();) {
      const size_t end = std::min(encoded.find("\r\n", at), encoded.size());
      EXPECT_LE(line + end - at, 76U) << encoded;
      line = 0;
      at = end + 2;
    }
  }
  EXPECT_EQ(EncodeHeaderText("plain", 9), "plain");
  // No character is cut in two.
  for (const std::string& word : {EncodeHeaderText(std::string(30, 'x') + "\xC3\xBC\xC3\xBC", 9)}) {
    EXPECT_EQ(Decoded(word), std::string(30, 'x') + "\xC3\xBC\xC3\xBC");
  }
}

TEST(MailMessageTest, NothingBreaksOutOfAHeader) {
  const auto refused = [](void (*spoil)(MailEnvelope*)) {
    MailEnvelope envelope = Envelope();
    spoil(&envelope);
    return !ComposeMail(envelope, {}).has_value();
  };
  EXPECT_TRUE(refused([](MailEnvelope* e) { e->to = "a@b\r\nBcc: c@d"; }));
  EXPECT_TRUE(refused([](MailEnvelope* e) { e->to = "a@b, c@d"; }));
  EXPECT_TRUE(refused([](MailEnvelope* e) { e->from = "nobody"; }));
  EXPECT_TRUE(refused([](MailEnvelope* e) { e->message_id = "a>b"; }));
  MailEnvelope envelope = Envelope();
  envelope.from_name = "x\r\nBcc: c@d";
  Notice notice;
  notice.subject = "x\r\nBcc: c@d";
  const MailMessage mail = ComposeMail(envelope, notice).value();
  EXPECT_EQ(WriteMail(mail).find("\nBcc"), std::string::npos);
}

}  // namespace
}  // namespace bulkhead
