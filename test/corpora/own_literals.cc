// Secrets and personal data made from the formats as their issuers describe them: what the test
// tries where the public corpora are not at hand. The same at every run.
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "base/base64.h"
#include "corpora/literals.h"

namespace bulkhead::corpora {
namespace {

constexpr int kOfEachFormat = 12;

struct Format {
  const char* rule;
  Group group;
  // Text with {count:class} for drawn characters, {secret ... } around what is secret of a keyed
  // one.
  const char* text;
};

constexpr Format kFormats[] = {
    {"aws id", Group::kPrefixed, "AKIA{16:2}"},
    {"aws id", Group::kPrefixed, "ASIA{16:2}"},
    {"github", Group::kPrefixed, "ghp_{36:w}"},
    {"github", Group::kPrefixed, "github_pat_{22:w}_{59:w}"},
    {"gitlab", Group::kPrefixed, "glpat-{20:u}"},
    {"slack", Group::kPrefixed, "xoxb-{12:d}-{12:d}-{24:w}"},
    {"slack hook", Group::kPrefixed,
     "https://hooks.slack.com/services/{secret:T{9:U}/B{9:U}/{24:w}}"},
    {"stripe", Group::kPrefixed, "sk_live_{24:w}"},
    {"stripe", Group::kPrefixed, "rk_test_{99:w}"},
    {"openai", Group::kPrefixed, "sk-proj-{74:u}T3BlbkFJ{74:u}"},
    {"openai", Group::kPrefixed, "sk-{20:w}T3BlbkFJ{20:w}"},
    {"anthropic", Group::kPrefixed, "sk-ant-api03-{93:u}AA"},
    {"google", Group::kPrefixed, "AIza{35:u}"},
    {"google", Group::kPrefixed, "GOCSPX-{28:u}"},
    {"sendgrid", Group::kPrefixed, "SG.{22:u}.{43:u}"},
    {"twilio", Group::kPrefixed, "SK{32:h}"},
    {"mailchimp", Group::kPrefixed, "{32:h}-us1{1:d}"},
    {"npm", Group::kPrefixed, "npm_{36:w}"},
    {"pypi", Group::kPrefixed, "pypi-AgEIcHlwaS5vcmc{120:u}"},
    {"huggingface", Group::kPrefixed, "hf_{34:a}"},
    {"telegram", Group::kPrefixed, "{9:d}:AA{33:u}"},
    {"azure", Group::kPrefixed, "AccountKey={86:b}=="},
    {"azure ad", Group::kPrefixed, "{3:w}8Q~{34:w}"},
    {"digitalocean", Group::kPrefixed, "dop_v1_{64:h}"},
    {"shopify", Group::kPrefixed, "shpat_{32:h}"},
    {"databricks", Group::kPrefixed, "dapi{32:h}"},
    {"vault", Group::kPrefixed, "hvs.{90:u}"},
    {"doppler", Group::kPrefixed, "dp.pt.{43:w}"},
    {"planetscale", Group::kPrefixed, "pscale_pw_{43:u}"},
    {"grafana", Group::kPrefixed, "glsa_{32:w}_{8:h}"},
    {"groq", Group::kPrefixed, "gsk_{52:w}"},
    {"docker", Group::kPrefixed, "dckr_pat_{27:u}"},
    {"linear", Group::kPrefixed, "lin_api_{40:w}"},
    {"notion", Group::kPrefixed, "ntn_{11:d}{35:w}"},
    {"newrelic", Group::kPrefixed, "NRAK-{27:U}"},
    {"atlassian", Group::kPrefixed, "ATATT3{180:u}={8:h}"},
    {"square", Group::kPrefixed, "sq0atp-{22:u}"},
    {"sentry", Group::kPrefixed, "sntryu_{64:h}"},
    {"facebook", Group::kPrefixed, "EAAG{150:w}"},
    {"tailscale", Group::kPrefixed, "tskey-auth-{12:w}-{32:w}"},
    {"age", Group::kPrefixed, "AGE-SECRET-KEY-1{58:U}"},
    {"pem", Group::kPrefixed,
     "-----BEGIN PRIVATE KEY-----\n{64:b}\n{64:b}\n-----END PRIVATE KEY-----"},
    {"url userinfo", Group::kPrefixed, "https://deploy:{secret:{16:w}}@git.example.com/a.git"},
    {"database", Group::kPrefixed, "postgres://app:{secret:{18:w}}@db.example.com:5432/main"},
    {"bearer", Group::kPrefixed, "Authorization: Bearer {secret:{40:u}}"},
    {"cookie", Group::kPrefixed, "Cookie: theme=dark; uid={secret:{26:l}}"},
    {"password", Group::kKeyed, "password={secret:{14:w}}"},
    {"password", Group::kKeyed, "\"db_password\": \"{secret:{16:w}}\""},
    {"api key", Group::kKeyed, "api_key: {secret:{24:w}}"},
    {"api key", Group::kKeyed, "vendorApiKey = \"{secret:{32:h}}\""},
    {"token", Group::kKeyed, "serviceToken := \"{secret:{40:l}}\""},
    {"token", Group::kKeyed, "set(\"SERVICE_TOKEN\", \"{secret:{40:l}}\")"},
    {"token", Group::kKeyed, "access_token={secret:{48:u}}"},
    {"client secret", Group::kKeyed, "client_secret='{secret:{40:w}}'"},
    {"aws secret", Group::kKeyed, "aws_secret_access_key = {secret:{40:b}}"},
    {"session", Group::kKeyed, "PHPSESSID={secret:{26:l}}"},
    {"session", Group::kKeyed, "connect.sid={secret:s%3A{32:w}.{43:w}}"},
    {"oauth", Group::kKeyed, "https://app.example.com/callback?code={secret:{32:w}}&state=x"},
    {"saml", Group::kKeyed, "SAMLResponse={secret:{200:b}}"},
    {"signature", Group::kKeyed, "https://s.example.com/a?X-Amz-Signature={secret:{64:h}}"},
    {"one-time code", Group::kKeyed, "otp={secret:{8:d}}"},
    {"email", Group::kPersonal, "{6:a}.{8:a}@example.org"},
    {"phone", Group::kPersonal, "+4930{8:d}"},
    {"phone", Group::kPersonal, "+1 415 555 01{2:d}"},
    {"phone", Group::kPersonal, "(212) 555-01{2:d}"},
    {"ip", Group::kPersonal, "203.0.113.1{2:d}"},
    {"ip", Group::kPersonal, "2001:db8:85a3::8a2e:37{2:d}:7{3:d}"},
    {"ssn", Group::kPersonal, "2{2:d}-4{1:d}-7{3:d}"},
};

class Maker {
 public:
  Literal Make(const Format& format) {
    secret_.clear();
    std::string text = Draw(format.text);
    Literal literal{"own", format.rule, format.group, true, std::move(text), secret_};
    if (literal.secret.empty()) literal.secret = literal.text;
    return literal;
  }

  Literal Jwt() {
    const std::string head =
        UrlSafe(Base64Encode(R"({"alg":"RS256","typ":"JWT","kid":")" + Chars(8, 'w') + "\"}"));
    const std::string body =
        UrlSafe(Base64Encode(R"({"sub":")" + Chars(10, 'd') + R"(","iat":1700000000})"));
    const std::string text = head + "." + body + "." + Chars(86, 'u');
    return {"own", "jwt", Group::kPrefixed, true, text, text};
  }

  Literal Basic() {
    const std::string text = Base64Encode("user" + Chars(3, 'd') + ":" + Chars(12, 'w'));
    return {"own", "basic", Group::kPrefixed, true, "Basic " + text, text};
  }

  // A number with the check digit of Luhn.
  Literal Card() {
    const std::string digits = "4" + Chars(14, 'd');
    int sum = 0;
    for (size_t i = 0; i < digits.size(); ++i) {
      const int d = (digits[i] - '0') * (i % 2 == 0 ? 2 : 1);
      sum += d > 9 ? d - 9 : d;
    }
    const std::string text = digits + static_cast<char>('0' + (10 - sum % 10) % 10);
    return {"own", "card", Group::kPersonal, true, text, text};
  }

  // A German account number with its two check digits.
  Literal Iban() {
    const std::string account = Chars(18, 'd');
    int remainder = 0;
    for (const char c : account + "131400") remainder = (remainder * 10 + (c - '0')) % 97;
    const int check = 98 - remainder;
    const std::string text = std::string("DE") + static_cast<char>('0' + check / 10) +
                             static_cast<char>('0' + check % 10) + account;
    return {"own", "iban", Group::kPersonal, true, text, text};
  }

 private:
  static std::string UrlSafe(std::string text) {
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
    while (!text.empty() && text.back() == '=') text.pop_back();
    return text;
  }

  std::string Chars(size_t count, char kind) {
    static constexpr std::string_view kAll =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static constexpr std::string_view kUrl =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static constexpr std::string_view kBase64 =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::string_view alphabet = kind == 'd'   ? "0123456789"
                                      : kind == 'h' ? "0123456789abcdef"
                                      : kind == 'l' ? kAll.substr(26)
                                      : kind == 'a' ? kAll.substr(0, 52)
                                      : kind == 'U' ? "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                      : kind == '2' ? "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
                                      : kind == 'u' ? kUrl
                                      : kind == 'b' ? kBase64
                                                    : kAll;
    std::string out;
    for (size_t i = 0; i < count; ++i) out.push_back(alphabet[random_() % alphabet.size()]);
    // As issuers' keys in practice do, it holds a digit, and does not end in a mark that prose
    // would.
    if (kind == 'w' || kind == 'u' || kind == 'l' || kind == 'b' || kind == 'U') {
      out[out.size() / 2] = static_cast<char>('0' + random_() % 10);
      out.back() = 'x';
      if (kind == 'U') out.back() = 'X';
    }
    return out;
  }

  // `text` up to a closing brace of its own level is drawn; what stands in {secret:...} is kept.
  std::string Draw(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size();) {
      if (text.substr(i).starts_with("{secret:")) {
        const size_t end = ClosingBrace(text, i);
        const std::string inner = Draw(text.substr(i + 8, end - i - 8));
        secret_ = inner;
        out += inner;
        i = end + 1;
      } else if (text[i] == '{') {
        const size_t colon = text.find(':', i);
        out += Chars(std::stoul(std::string(text.substr(i + 1, colon - i - 1))), text[colon + 1]);
        i = colon + 3;
      } else {
        out.push_back(text[i++]);
      }
    }
    return out;
  }

  static size_t ClosingBrace(std::string_view text, size_t at) {
    int depth = 0;
    for (; at < text.size(); ++at) {
      depth += text[at] == '{' ? 1 : text[at] == '}' ? -1 : 0;
      if (depth == 0) break;
    }
    return at;
  }

  std::mt19937_64 random_{20251124};
  std::string secret_;
};

}  // namespace

std::vector<Literal> MakeOwnLiterals() {
  Maker maker;
  std::vector<Literal> literals;
  for (int i = 0; i < kOfEachFormat; ++i) {
    for (const Format& format : kFormats) literals.push_back(maker.Make(format));
    literals.push_back(maker.Jwt());
    literals.push_back(maker.Basic());
    literals.push_back(maker.Card());
    literals.push_back(maker.Iban());
  }
  return literals;
}

}  // namespace bulkhead::corpora
