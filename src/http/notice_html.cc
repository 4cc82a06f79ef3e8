#include "http/notice_html.h"

#include <fmt/format.h>

#include <utility>

#include "base/base64.h"
#include "crypto/crypto.h"
#include "incident/calendar.h"
#include "incident/notice_page.h"
#include "model/value.h"

namespace bulkhead {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--ink:#1c2126;--soft:#57616b;--page:#f4f5f6;--card:#fff;--line:#d5dade;--act:#1f5f8b;--on:#fff;
--good:#1d6b43;--goodbg:#eaf5ee;--bad:#8a4b00;--badbg:#fdf3e3}
@media(prefers-color-scheme:dark){:root{--ink:#e4e8eb;--soft:#a0abb5;--page:#14181b;--card:#1d2226;--line:#39424a;--act:#7fb8dd;--on:#0f1a22;
--good:#86d3a7;--goodbg:#173024;--bad:#f0bd74;--badbg:#33270f}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:17px/1.55 system-ui,sans-serif}
main{max-width:38rem;margin:0 auto;padding:3rem 1.25rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem;font-weight:650}
h2{font-size:1.05rem;margin:1.5rem 0 .4rem;font-weight:650}
p{margin:.5rem 0}
a{color:var(--act)}
.card h2:first-child{margin-top:0}
.soft,small{color:var(--soft)}
form,.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.25rem;margin:1.25rem 0}
label{display:block;font-weight:600;margin:0 0 .25rem}
small{display:block;margin:0 0 .35rem}
input{width:100%;font:inherit;color:inherit;background:var(--page);border:1px solid var(--line);border-radius:7px;padding:.6rem .75rem;margin:0 0 1.1rem}
#code{font-family:ui-monospace,monospace;letter-spacing:.06em}
input:focus,button:focus{outline:3px solid var(--act);outline-offset:1px}
button{font:inherit;font-weight:600;color:var(--on);background:var(--act);border:0;border-radius:7px;padding:.65rem 1.4rem;cursor:pointer}
.yes,.no,.hint{border-radius:10px;padding:1.1rem 1.25rem;margin:1.25rem 0}
.yes{background:var(--goodbg);border-left:5px solid var(--good)}
.no,.hint{background:var(--badbg);border-left:5px solid var(--bad)}
.yes h1{color:var(--good)}.no h1{color:var(--bad)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:.5rem 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
ul{margin:.4rem 0;padding-left:1.2rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:.82rem/1.5 ui-monospace,monospace;background:var(--page);border:1px solid var(--line);border-radius:7px;padding:.8rem}
summary{cursor:pointer;font-weight:600}
)";

const std::string& StyleHash() {
  static const std::string hash = [] {
    const auto digest = Sha256(kStyle);
    return Base64Encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
  }();
  return hash;
}

HttpResponse Page(int status, std::string_view title, std::string_view body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/html; charset=utf-8";
  response.headers = {
      {"Content-Security-Policy",
       fmt::format("default-src 'none'; style-src 'sha256-{}'; form-action 'self'; base-uri "
                   "'none'; frame-ancestors 'none'",
                   StyleHash())},
      {"Referrer-Policy", "no-referrer"},
      {"X-Frame-Options", "DENY"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"X-Robots-Tag", "noindex"},
      {"Vary", "Accept"}};
  response.body = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<meta name=\"color-scheme\" content=\"light dark\"><title>{}</title>"
      "<style>{}</style></head>\n<body><main>\n{}</main></body></html>\n",
      EscapeHtml(title), kStyle, body);
  return response;
}

std::string_view HintText(NoticeHint hint) {
  switch (hint) {
    case NoticeHint::kNone:
      return "";
    case NoticeHint::kMistyped:
      return "This code has a typing mistake: it is sixteen letters and digits in four groups. "
             "Please compare it with the notice.";
    case NoticeHint::kIncomplete:
      return "Please give both the code and the address that the notice was sent to.";
    case NoticeHint::kBusy:
      return "Too many checks just now. Please try again in a minute.";
    case NoticeHint::kNotNow:
      return "Notices cannot be checked at this moment. Please try again in a few minutes.";
  }
  return "";
}

std::string Form(const NoticeQuestion& typed) {
  return fmt::format(
      "<form method=\"post\" action=\"/notice\" autocomplete=\"off\">\n"
      "<label for=\"code\">Code in the notice</label><small>For example ABCD-EFGH-JKMN-PQRS; "
      "small letters are fine.</small>\n"
      "<input id=\"code\" name=\"code\" maxlength=\"64\" required autocapitalize=\"characters\" "
      "spellcheck=\"false\" value=\"{}\">\n"
      "<label for=\"address\">Address that it was sent to</label><small>Your e-mail address. It is "
      "compared and not kept.</small>\n"
      "<input id=\"address\" name=\"address\" maxlength=\"254\" required inputmode=\"email\" "
      "autocapitalize=\"none\" spellcheck=\"false\" value=\"{}\">\n"
      "<button type=\"submit\">Check</button>\n</form>\n"
      "<p class=\"soft\">This page never asks for a password, and no notice of ours holds a link. "
      "If a message asks you for either, it is not from us.</p>\n",
      EscapeHtml(typed.code), EscapeHtml(typed.address));
}

void AddFact(std::string_view name, std::string_view text, std::string* html) {
  if (text.empty()) return;
  *html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, EscapeHtml(text));
}

std::string Signed(const NoticeAnswer& answer) {
  return fmt::format(
      "<details><summary>This answer, signed</summary>\n<p>Anybody can check it with the key at "
      "/notice/key: the text to its last line's end, and the signature (Ed25519, in base64).</p>\n"
      "<pre>{}</pre>\n<pre>{}</pre>\n</details>\n",
      EscapeHtml(answer.statement), SignatureText(answer.signature));
}

std::string Yes(const NoticeAnswer& answer) {
  std::string html = fmt::format(
      "<div class=\"yes\"><h1>Yes, this notice is ours</h1>\n<p>{}</p></div>\n"
      "<div class=\"card\">\n<h2>What was exposed of you</h2>\n",
      answer.told_ms == 0 ? "It is on its way to that address."
                          : "It was sent to that address on " + FormatTime(answer.told_ms) + ".");
  html += answer.exposed.empty() ? "<p>This is no longer known, since your data was erased.</p>\n"
                                 : "<ul>\n";
  for (const auto& [field, form] : answer.exposed) {
    html += fmt::format("<li><strong>{}</strong>: {}</li>\n", EscapeHtml(field), EscapeHtml(form));
  }
  if (!answer.exposed.empty()) html += "</ul>\n";
  html += "<h2>The incident</h2>\n<dl>\n";
  AddFact("From", answer.organisation, &html);
  AddFact("What happened", answer.happening, &html);
  AddFact("Where", answer.vendor, &html);
  AddFact("Period", answer.period, &html);
  AddFact("Number", fmt::format("{}, version {}", answer.incident, answer.version), &html);
  AddFact("Record",
          fmt::format("entry {} of our audit log, made before any notice was sent", answer.entry),
          &html);
  return html + "</dl>\n</div>\n";
}

std::string No() {
  return "<div class=\"no\"><h1>No, we know of no such notice</h1>\n"
         "<p>Either the code does not belong to this address, or the notice is not from us.</p>"
         "</div>\n<div class=\"card\"><h2>What you can do</h2>\n<ul>"
         "<li>Compare the code and the address with the notice, and check again.</li>"
         "<li>If it is still no: follow nothing in that message, call no number in it, and tell us "
         "by a way that you know.</li></ul></div>\n";
}

}  // namespace

std::string SignatureText(const Signature& signature) {
  return Base64Encode({reinterpret_cast<const char*>(signature.data()), signature.size()});
}

HttpResponse NoticeForm(int status, NoticeHint hint, const NoticeQuestion& typed) {
  std::string body =
      "<h1>Is this notice from us?</h1>\n<p class=\"soft\">If you were told that data of yours was "
      "exposed, you can check here that the notice is real, and see what was exposed of you.</p>\n";
  if (hint != NoticeHint::kNone) {
    body += fmt::format("<p class=\"hint\" role=\"alert\">{}</p>\n", HintText(hint));
  }
  return Page(status, "Is this notice from us?", body + Form(typed));
}

HttpResponse NoticeResult(const NoticeAnswer& answer) {
  std::string body = answer.yes ? Yes(answer) : No();
  body += fmt::format("<p class=\"soft\">Answered at {}.</p>\n", FormatTime(answer.at_ms));
  body += Signed(answer);
  body += "<p><a href=\"/notice\">Check another notice</a></p>\n";
  return Page(200, answer.yes ? "Yes, this notice is ours" : "No such notice", body);
}

std::string NoticeJson(const NoticeAnswer& answer) {
  const auto text = [](std::string_view value) {
    std::string json;
    AppendJsonString(value, &json);
    return json;
  };
  std::string json =
      fmt::format(R"({{"answer":"{}","at_ms":{})", answer.yes ? "yes" : "no", answer.at_ms);
  if (answer.yes) {
    json += fmt::format(
        R"(,"organisation":{},"vendor":{},"happening":{},"period":{},"incident":{},"version":{},)"
        R"("told_ms":{},"entry":{},"exposed":[)",
        text(answer.organisation), text(answer.vendor), text(answer.happening), text(answer.period),
        text(answer.incident), answer.version, answer.told_ms, answer.entry);
    for (const auto& [field, form] : answer.exposed) {
      json += fmt::format(R"({}{{"field":{},"form":{}}})", json.back() == '[' ? "" : ",",
                          text(field), text(form));
    }
    json += "]";
  }
  const std::string_view key(reinterpret_cast<const char*>(answer.key.data()), answer.key.size());
  return json + fmt::format(R"(,"statement":{},"signature":"{}","key":"{}"}})",
                            text(answer.statement), SignatureText(answer.signature),
                            Base64Encode(key));
}

}  // namespace bulkhead
