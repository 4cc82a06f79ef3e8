#include "incident/notice.h"

#include <algorithm>

#include "incident/incident_fixture.h"
#include "incident/notice_page.h"

namespace bulkhead {
namespace {

constexpr NoticeKind kAll[] = {NoticeKind::kAuthority, NoticeKind::kOrganisation,
                               NoticeKind::kAdmin, NoticeKind::kUser, NoticeKind::kQuestions};

NoticeFacts FullFacts() {
  NoticeFacts facts;
  facts.organisation = "Example Platform";
  facts.vendor = "Example Analytics";
  facts.happening = "Somebody exported a set of data from the vendor's systems.";
  facts.from_ms = At(2025, 8, 12);
  facts.to_ms = At(2025, 11, 9);
  facts.subjects = 70000;
  facts.records = 1234567;
  facts.fields = {{"name", "user.name", FieldForm::kIdentity},
                  {"e-mail address", "user.contact.email", FieldForm::kIdentity},
                  {"country", "user.location.coarse", FieldForm::kCoarse},
                  {"organisation", "user.professional_information.workplace", FieldForm::kToken}};
  facts.not_exposed = {"passwords", "payment data"};
  facts.moments = {{"vendor became aware", At(2025, 11, 9)}, {"we became aware", At(2025, 11, 25)}};
  facts.contact = "Data protection officer, dpo at example.com";
  facts.check_page = "example.com/notice";
  facts.measures = {"Nothing is sent to the vendor any more."};
  facts.complete = true;
  return facts;
}

std::string Unwrapped(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  for (size_t at = 0; (at = text.find("  ", at)) != std::string::npos;) text.erase(at, 1);
  return text;
}

TEST(NoticeTest, TheAuthorityGetsAToDWithExactNumbers) {
  const Notice notice = DraftNotice(NoticeKind::kAuthority, FullFacts()).value();
  EXPECT_TRUE(notice.unknown.empty());
  const std::string text = Unwrapped(notice.text);
  size_t at = 0;
  for (const char* part :
       {"(a) Nature", "from 2025-08-12 00:00 UTC to 2025-11-09 00:00 UTC",
        "Data subjects concerned: 70000. Records concerned: 1234567.",
        "- e-mail address: as it was", "- country: in a coarse form only",
        "- organisation: as a code", "- passwords", "- we became aware: 2025-11-25 00:00 UTC",
        "(b) Contact", "(c) Likely consequences", "may use the right name", "(d) Measures",
        "Nothing is sent"}) {
    const size_t found = text.find(part, at);
    ASSERT_NE(found, std::string::npos) << part << "\n" << notice.text;
    at = found;
  }
  EXPECT_EQ(text.find("To follow"), std::string::npos);
  EXPECT_EQ(text.find(kNoticeCodePlace), std::string::npos);
}

TEST(NoticeTest, NothingIsInvented) {
  for (const NoticeKind kind : kAll) {
    const Notice notice = DraftNotice(kind, {}).value();
    EXPECT_NE(notice.text.find("Not known yet: what happened."), std::string::npos)
        << NoticeKindName(kind);
    EXPECT_GE(notice.unknown.size(), 8U) << NoticeKindName(kind);
    EXPECT_EQ(notice.text.find_first_of("0123456789", notice.text.find('\n')),
              notice.text.find(kind == NoticeKind::kAuthority ? "33(4)" : "no number"))
        << notice.text;
  }
  NoticeFacts facts = FullFacts();
  facts.subjects.reset();
  facts.moments[0].at_ms.reset();
  facts.complete = false;
  const Notice notice = DraftNotice(NoticeKind::kAuthority, facts).value();
  EXPECT_EQ(notice.unknown,
            (std::vector<std::string>{"number of data subjects", "vendor became aware"}));
  EXPECT_NE(notice.subject.find("in phases"), std::string::npos);
  EXPECT_NE(Unwrapped(notice.text).find("To follow (Art. 33(4)) ---------------------- - number"),
            std::string::npos)
      << notice.text;
}

TEST(NoticeTest, RecipientsGetACodeAndNoLink) {
  for (const NoticeKind kind : kAll) {
    const Notice draft = DraftNotice(kind, FullFacts()).value();
    const Notice notice = WithCode(draft, "ABCD-EFGH-JKMN-PQRS");
    const bool personal = kind == NoticeKind::kOrganisation || kind == NoticeKind::kAdmin ||
                          kind == NoticeKind::kUser;
    EXPECT_EQ(notice.text.find("ABCD-EFGH-JKMN-PQRS") != std::string::npos, personal);
    EXPECT_EQ(notice.html.find("ABCD-EFGH-JKMN-PQRS") != std::string::npos, personal);
    EXPECT_EQ(notice.text.find(kNoticeCodePlace), std::string::npos);
    for (const char* link : {"://", "<a", "href", "src=", "www."}) {
      EXPECT_EQ(notice.html.find(link), std::string::npos) << link;
      EXPECT_EQ(notice.text.find(link), std::string::npos) << link;
    }
  }
}

TEST(NoticeTest, FactsWithLinksAreRefused) {
  NoticeFacts facts = FullFacts();
  facts.measures.emplace_back("See https://example.com/login");
  const auto notice = DraftNotice(NoticeKind::kUser, facts);
  ASSERT_FALSE(notice);
  EXPECT_EQ(notice.error().message, "notice: measures holds a link");
  facts = FullFacts();
  facts.vendor = "two\nlines";
  EXPECT_FALSE(DraftNotice(NoticeKind::kUser, facts));
}

TEST(NoticeTest, HtmlIsEscapedAndSaysTheSameWords) {
  NoticeFacts facts = FullFacts();
  facts.vendor = "<b>Ex & \"Co\"</b>'";
  const Notice notice = DraftNotice(NoticeKind::kUser, facts).value();
  EXPECT_NE(notice.html.find("&lt;b&gt;Ex &amp; &quot;Co&quot;&lt;/b&gt;&#39;"), std::string::npos);
  EXPECT_EQ(notice.html.find("<b>"), std::string::npos);
  EXPECT_NE(notice.text.find("<b>Ex & \"Co\"</b>'"), std::string::npos);
  for (const char* words : {"What was exposed of you", "e-mail address: as it was",
                            "We never ask for passwords, keys or codes"}) {
    EXPECT_NE(notice.html.find(words), std::string::npos) << words;
    EXPECT_NE(Unwrapped(notice.text).find(words), std::string::npos) << words;
  }
}

TEST(NoticeTest, ConsequencesFollowFromTheFields) {
  using Fields = std::vector<NoticeFacts::Field>;
  const auto first = [](const Fields& fields) { return LikelyConsequences(fields).at(0); };
  EXPECT_EQ(LikelyConsequences({}).size(), 0U);
  EXPECT_NE(first(Fields{{"id", "user.unique_id", FieldForm::kToken}}).find("mean nothing"),
            std::string::npos);
  EXPECT_NE(first(Fields{{"browser", "user.device.telemetry", FieldForm::kPlain}})
                .find("no way to reach"),
            std::string::npos);
  EXPECT_NE(
      first(Fields{{"e-mail", "user.contact.email", FieldForm::kIdentity}}).find("Fraudulent mail"),
      std::string::npos);
  EXPECT_EQ(LikelyConsequences(Fields{{"e-mail", "user.contact.email", FieldForm::kIdentity},
                                      {"name", "user.name.first", FieldForm::kPlain},
                                      {"place", "user.location.coarse", FieldForm::kCoarse}})
                .size(),
            3U);
}

TEST(NoticeTest, LinesOfTextAreShort) {
  for (const NoticeKind kind : kAll) {
    std::istringstream lines(DraftNotice(kind, FullFacts()).value().text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 76U) << line;
  }
  EXPECT_EQ(RenderText({"T", {{"", {std::string(100, 'x')}, {"a  b"}}}}),
            "T\n\n" + std::string(100, 'x') + "\n- a b\n");
}

}  // namespace
}  // namespace bulkhead
