#include "incident/notice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "incident/calendar.h"
#include "incident/notice_page.h"

namespace bulkhead {
namespace {

constexpr std::string_view kNotKnown = "not known yet";

bool IsClass(std::string_view field_class, std::string_view of) {
  return field_class.starts_with(of) &&
         (field_class.size() == of.size() || field_class[of.size()] == '.');
}

std::string_view FormInWords(FieldForm form) {
  switch (form) {
    case FieldForm::kPlain:
      return "as it was";
    case FieldForm::kCoarse:
      return "in a coarse form only";
    case FieldForm::kToken:
      return "as a code; the value itself was not exposed";
    case FieldForm::kIdentity:
      return "as it was; it identifies a person directly";
  }
  return "";
}

class Draft {
 public:
  explicit Draft(const NoticeFacts& facts) : facts_(facts) {}

  NoticePage Authority() {
    NoticePage page{fmt::format("Notification of a personal data breach (Art. 33(3) GDPR){}",
                                facts_.complete ? "" : ", to be continued in phases"),
                    {}};
    page.sections.push_back(
        {"(a) Nature of the breach",
         {Known(facts_.happening, "what happened"),
          "Where: " + Known(facts_.vendor, "vendor") + ". When: " + Window() + ".",
          "Data subjects concerned: " + Count(facts_.subjects, "number of data subjects") +
              ". Records concerned: " + Count(facts_.records, "number of records") + "."},
         Fields()});
    page.sections.push_back(NotExposed("What was looked for and not found exposed"));
    page.sections.push_back({"Times", {}, Moments()});
    page.sections.push_back({"(b) Contact", {Known(facts_.contact, "contact")}, {}});
    page.sections.push_back({"(c) Likely consequences", {}, Consequences()});
    page.sections.push_back({"(d) Measures taken or proposed", {}, Measures()});
    AddUnknown(&page);
    return page;
  }

  NoticePage Organisation() {
    NoticePage page{"Data of your organisation's users at " + Vendor() + " was exposed", {}};
    page.sections.push_back(
        {"",
         {Known(facts_.happening, "what happened"), "When: " + Window() + ".",
          "Over all organisations this concerns " +
              Count(facts_.subjects, "number of data subjects") + " persons and " +
              Count(facts_.records, "number of records") +
              " records. On the page below your code shows how many of them are yours."},
         {}});
    AddFieldsAndConsequences(&page, "What was exposed");
    page.sections.push_back({"Times", {}, Moments()});
    page.sections.push_back({"What we have done", {}, Measures()});
    page.sections.push_back(
        {"What we ask of you",
         {},
         {"Judge whether you have duties of your own to tell your users or an authority.",
          "Warn your staff of mail that refers to this incident or to your account with us."}});
    AddCheck(&page);
    return page;
  }

  NoticePage Admin() {
    NoticePage page{"What an admin should do: data at " + Vendor() + " was exposed", {}};
    page.sections.push_back(
        {"",
         {Known(facts_.happening, "what happened"), "When: " + Window() + ".",
          "As an admin you are a more rewarding aim than others: what you can do in your "
          "organisation's account, somebody who deceives you can do, too."},
         {}});
    AddFieldsAndConsequences(&page, "What was exposed");
    page.sections.push_back(
        {"What to do",
         {},
         {"Open our site as you always do, not from a message, and require a second factor of all "
          "members.",
          "Look through members, invitations and API keys, and remove what you do not know.",
          "Tell your members that this notice has been sent, and how to check it."}});
    page.sections.push_back({"What we have done", {}, Measures()});
    AddCheck(&page);
    return page;
  }

  NoticePage User() {
    NoticePage page{"Some of your data was exposed at " + Vendor(), {}};
    page.sections.push_back({"What happened",
                             {Known(facts_.happening, "what happened"), "When: " + Window() + "."},
                             {}});
    AddFieldsAndConsequences(&page, "What was exposed of you");
    page.sections.push_back({"What we have done", {}, Measures()});
    page.sections.push_back(
        {"What you can do",
         {},
         {"Be careful with messages that you did not expect, also where they know your name or "
          "speak of this incident.",
          "Look at the whole address that a message comes from, not only at the name shown.",
          "We never ask for passwords, keys or codes, in no message and on no call.",
          "To change anything, open our site as you always do. A second factor for signing in "
          "protects you even from a message that deceives you."}});
    AddCheck(&page);
    return page;
  }

  NoticePage Questions() {
    NoticePage page{"Questions and answers: data exposed at " + Vendor(), {}};
    const auto add = [&](std::string question, std::string answer,
                         std::vector<std::string> items = {}) {
      page.sections.push_back({std::move(question), {std::move(answer)}, std::move(items)});
    };
    add("What happened?", Known(facts_.happening, "what happened"));
    add("When?", Window() + ".", Moments());
    add("Whom does it concern?", Count(facts_.subjects, "number of data subjects") +
                                     " persons. Whoever is concerned is told directly and once.");
    add("What was exposed?", "These fields:", Fields());
    page.sections.push_back(NotExposed("What was not exposed?"));
    add("What can follow from it?", "As far as we can tell:", Consequences());
    add("What have you done?", "Until now:", Measures());
    add("How do I know that a notice is from you?",
        "It has a code and no link. " + CheckWords() +
            " The page answers with yes or no and never asks for a password.");
    add("Do you know everything by now?",
        facts_.complete ? "Our own inquiry is complete."
                        : "No. What is missing is said to be missing, and follows.");
    add("Whom can I ask?", Known(facts_.contact, "contact"));
    return page;
  }

  std::vector<std::string> unknown() { return {unknown_.begin(), unknown_.end()}; }

 private:
  std::string Known(const std::string& text, const char* name) {
    if (!text.empty()) return text;
    return Unknown(name);
  }
  std::string Unknown(std::string_view name) {
    unknown_.emplace(name);
    return fmt::format("Not known yet: {}.", name);
  }
  std::string Count(const std::optional<uint64_t>& count, const char* name) {
    if (count) return std::to_string(*count);
    unknown_.emplace(name);
    return std::string(kNotKnown);
  }
  std::string Time(const std::optional<int64_t>& time_ms, std::string_view name) {
    if (time_ms) return FormatTime(*time_ms);
    unknown_.emplace(name);
    return std::string(kNotKnown);
  }
  std::string Vendor() {
    if (facts_.vendor.empty()) unknown_.emplace("vendor");
    return facts_.vendor.empty() ? "a vendor" : facts_.vendor;
  }
  std::string Window() {
    const std::string from = Time(facts_.from_ms, "begin of the exposure");
    const std::string to = Time(facts_.to_ms, "end of the exposure");
    return from == to ? from : fmt::format("from {} to {}", from, to);
  }

  std::vector<std::string> Fields() {
    std::vector<std::string> items;
    for (const NoticeFacts::Field& field : facts_.fields) {
      items.push_back(field.name + ": " + std::string(FormInWords(field.form)));
    }
    if (items.empty()) items.push_back(Unknown("exposed fields"));
    return items;
  }
  NoticeSection NotExposed(std::string heading) {
    if (!facts_.not_exposed.empty()) return {std::move(heading), {}, facts_.not_exposed};
    return {std::move(heading), {Unknown("what was not exposed")}, {}};
  }
  std::vector<std::string> Moments() {
    std::vector<std::string> items;
    for (const NoticeFacts::Moment& moment : facts_.moments) {
      items.push_back(moment.what + ": " + Time(moment.at_ms, moment.what));
    }
    if (items.empty()) items.push_back(Unknown("times"));
    return items;
  }
  std::vector<std::string> Consequences() {
    std::vector<std::string> items = LikelyConsequences(facts_.fields);
    if (items.empty()) items.push_back(Unknown("likely consequences"));
    return items;
  }
  std::vector<std::string> Measures() {
    if (!facts_.measures.empty()) return facts_.measures;
    return {Unknown("measures")};
  }

  void AddFieldsAndConsequences(NoticePage* page, std::string heading) {
    page->sections.push_back({std::move(heading), {}, Fields()});
    page->sections.push_back(NotExposed("What was not exposed"));
    page->sections.push_back({"What can follow from it", {}, Consequences()});
  }

  std::string CheckWords() {
    if (facts_.check_page.empty()) return Unknown("page for checking notices");
    return fmt::format(
        "Type {} into your browser yourself, and there the code and the address that the notice "
        "was sent to.",
        facts_.check_page);
  }
  void AddCheck(NoticePage* page) {
    page->sections.push_back(
        {"Is this notice real?",
         {fmt::format("Your code: {}", kNoticeCodePlace),
          CheckWords() + " This notice has no link, and the page asks for no password."},
         {}});
    page->sections.push_back(
        {"Questions",
         {Known(facts_.contact, "contact"),
          facts_.complete ? "Our own inquiry is complete."
                          : "This is what is known now. We will tell you if it changes."},
         {}});
  }
  void AddUnknown(NoticePage* page) {
    if (unknown_.empty()) return;
    page->sections.push_back({"To follow (Art. 33(4))", {}, unknown()});
  }

  const NoticeFacts& facts_;
  std::set<std::string> unknown_;
};

// A fact that may not stand in a notice, by name.
std::optional<std::string> FaultOf(const NoticeFacts& facts) {
  std::vector<std::pair<const char*, const std::string*>> texts = {
      {"organisation", &facts.organisation},
      {"vendor", &facts.vendor},
      {"happening", &facts.happening},
      {"contact", &facts.contact},
      {"check_page", &facts.check_page}};
  for (const auto& field : facts.fields) texts.emplace_back("fields", &field.name);
  for (const auto& text : facts.not_exposed) texts.emplace_back("not_exposed", &text);
  for (const auto& moment : facts.moments) texts.emplace_back("moments", &moment.what);
  for (const auto& text : facts.measures) texts.emplace_back("measures", &text);
  for (const auto& [name, text] : texts) {
    if (text->find("://") != std::string::npos) return std::string(name) + " holds a link";
    if (std::ranges::any_of(
            *text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; })) {
      return std::string(name) + " holds a control character";
    }
    if (text->find(kNoticeCodePlace) != std::string::npos) {
      return std::string(name) + " holds the place of the code";
    }
  }
  return std::nullopt;
}

void Replace(std::string_view place, std::string_view by, std::string* text) {
  if (const size_t at = text->find(place); at != std::string::npos) {
    text->replace(at, place.size(), by);
  }
}

}  // namespace

std::string_view NoticeKindName(NoticeKind kind) {
  switch (kind) {
    case NoticeKind::kAuthority:
      return "authority";
    case NoticeKind::kOrganisation:
      return "organisation";
    case NoticeKind::kAdmin:
      return "admin";
    case NoticeKind::kUser:
      return "user";
    case NoticeKind::kQuestions:
      return "questions";
  }
  return "";
}

std::vector<std::string> LikelyConsequences(const std::vector<NoticeFacts::Field>& fields) {
  const auto has = [&](std::string_view of) {
    return std::ranges::any_of(fields, [&](const NoticeFacts::Field& field) {
      return field.form != FieldForm::kToken && IsClass(field.field_class, of);
    });
  };
  std::vector<std::string> sentences;
  const auto add = [&](bool condition, const char* sentence) {
    if (condition) sentences.emplace_back(sentence);
  };
  const bool mail = has("user.contact.email");
  const bool phone = has("user.contact.phone_number");
  add(mail, "Fraudulent mail may come to the exposed address.");
  add(phone, "Fraudulent calls and text messages may come to the exposed number.");
  add((mail || phone) && has("user.name"),
      "Such messages may use the right name, and so look genuine.");
  add((mail || phone) && has("user.professional_information"),
      "Such messages may refer to the organisation, or pretend to come from a colleague.");
  add((mail || phone) && (has("user.device") || has("user.location") || has("user.behavior")),
      "Such messages may mention the place, the browser or what was done, to seem genuine.");
  add(has("user.content"), "What was written in confidence may become known to others.");
  add(has("user.authorization"),
      "Accounts may be entered with the exposed credentials, also elsewhere where the same are "
      "used.");
  add(has("user.government_id"), "Somebody may act under the name of the person concerned.");
  add(has("user.financial") || has("user.payment"), "Payments may be attempted in their name.");
  add(has("user.health"), "Health data may become known to others.");
  add(has("user.location.precise") || has("user.contact.address"),
      "Where the person lives or stays may become known to others.");
  add(sentences.empty() && has("user"),
      "The exposed data alone gives no way to reach a person; together with other sets it might "
      "tell more.");
  add(sentences.empty() && !fields.empty(),
      "The exposed codes mean nothing outside of where they lay.");
  return sentences;
}

Result<Notice> DraftNotice(NoticeKind kind, const NoticeFacts& facts) {
  if (const auto fault = FaultOf(facts)) return Error{ErrorCode::kInvalid, "notice: " + *fault};
  Draft draft(facts);
  NoticePage page;
  switch (kind) {
    case NoticeKind::kAuthority:
      page = draft.Authority();
      break;
    case NoticeKind::kOrganisation:
      page = draft.Organisation();
      break;
    case NoticeKind::kAdmin:
      page = draft.Admin();
      break;
    case NoticeKind::kUser:
      page = draft.User();
      break;
    case NoticeKind::kQuestions:
      page = draft.Questions();
      break;
  }
  if (!facts.organisation.empty()) {
    page.sections.push_back({"", {facts.organisation}, {}});
  }
  Notice notice;
  notice.kind = kind;
  notice.subject = page.title;
  notice.text = RenderText(page);
  notice.html = RenderHtml(page);
  notice.unknown = draft.unknown();
  if (facts.organisation.empty()) notice.unknown.emplace_back("organisation");
  return notice;
}

Notice WithCode(const Notice& notice, std::string_view code) {
  Notice filled = notice;
  Replace(kNoticeCodePlace, code, &filled.text);
  Replace(kNoticeCodePlace, code, &filled.html);
  return filled;
}

}  // namespace bulkhead
