// Writes signed mails for the tests: sign_mail DIR makes keys, and in DIR records (a line NAME TAB
// VALUE for each key that the DNS would have) and mails NAME.eml.
#include <cstdio>
#include <fstream>
#include <string>

#include "crypto/crypto.h"
#include "incident/dkim.h"
#include "incident/mail_message.h"
#include "incident/notice.h"

namespace {

using namespace bulkhead;  // NOLINT

constexpr int64_t kTimeMs = 1'764'236'700'000;

MailMessage Plain(std::string body) {
  return {{{"From", "Security <security@example.com>"},
           {"To", "one@example.org"},
           {"Subject", "A notice"},
           {"Date", "Thu, 27 Nov 2025 09:05:00 +0000"},
           {"Message-ID", "<n1@example.com>"}},
          std::move(body)};
}

MailMessage Folded() {
  MailMessage mail = Plain("Some  words \t here \r\n\r\nand here\r\n");
  mail.headers[1].second = "one@example.org,\r\n\ttwo@example.org,  \r\n  three@example.org";
  mail.headers[2].second = "  A   notice\t in\r\n three \r\n\tlines  ";
  mail.headers.emplace_back("Received", "from somewhere\r\n by elsewhere");
  mail.headers.emplace_back("Reply-To", "help@example.com");
  return mail;
}

Result<MailMessage> RealNotice(std::string subject) {
  NoticeFacts facts;
  facts.organisation = "Example Platform";
  facts.vendor = "Example Analytics";
  facts.happening = "A set of data was exported. F\xC3\xBCr Sie hei\xC3\x9Ft das: Vorsicht.";
  Result<Notice> notice = DraftNotice(NoticeKind::kUser, facts);
  if (!notice) return notice.error();
  if (!subject.empty()) notice->subject = std::move(subject);
  return ComposeMail({"Plattf\xC3\xB6rm", "security@example.com", "one@example.org", kTimeMs, "n1"},
                     *notice);
}

bool Write(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  return static_cast<bool>(file.flush());
}

bool WriteAll(const std::string& dir) {
  const Result<RsaKey> rsa = RsaKey::Generate();
  if (!rsa) return false;
  const SigningKey ed25519(RandomSecret(32));
  const Result<std::string> record = DkimRecord(*rsa);
  if (!record ||
      !Write(dir + "/records", "r1._domainkey.example.com\t" + *record +
                                   "\ne1._domainkey.example.com\t" + DkimRecord(ed25519) + "\n")) {
    return false;
  }
  const Result<MailMessage> notice = RealNotice("");
  const Result<MailMessage> foreign = RealNotice(
      "Ein Teil Ihrer Daten wurde \xC3\xB6"
      "ffentlich: \xE6\x82\xA8\xE7\x9A\x84\xE6\x95\xB0"
      "\xE6\x8D\xAE, und das ist eine lange Zeile");
  if (!notice || !foreign) return false;
  const std::pair<const char*, MailMessage> mails[] = {
      {"plain", Plain("A line\r\n")},
      {"folded", Folded()},
      {"empty", Plain("")},
      {"only_empty_lines", Plain("\r\n\r\n")},
      {"trailing_lines", Plain("A line \r\n\r\n  \r\n\r\n")},
      {"no_last_line_end", Plain("A line")},
      {"notice", *notice},
      {"foreign", *foreign}};
  const DkimSigner signer{"example.com", "r1", "e1", &*rsa, &ed25519};
  for (const auto& [name, mail] : mails) {
    const Result<MailMessage> signed_mail = SignMail(signer, mail, kTimeMs / 1000);
    if (!signed_mail || !Write(dir + "/" + name + ".eml", WriteMail(*signed_mail))) return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  InitCrypto();
  if (argc != 2 || !WriteAll(argv[1])) {
    std::fputs("sign_mail DIR: nothing was written\n", stderr);
    return 1;
  }
  return 0;
}
