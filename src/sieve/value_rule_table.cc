// The rules of docs/policy.md, one line each. Lengths are lower bounds below the real ones, because
// SDKs cut strings.
#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "sieve/validators.h"
#include "sieve/value_rules.h"

namespace bulkhead {
namespace {

constexpr const char* kSecretKeys =
    "(?:access|id|refresh|auth|api|session|csrf|xsrf|reset|invite|magic|verify|verification|"
    "confirm|confirmation"
    "|bearer|oauth|device|push)?[_.-]?token|authorization|auth|(?:connect\\.|php|j|asp\\.net_)?"
    "sess(?:ion)?_?id"
    "|connect\\.sid|sid|session|x?-?(?:api|auth|access|secret|private|signing|account)[_-]?key|"
    "apikey"
    "|(?:client|api|app|webhook|shared|consumer)?[_-]?secret|(?:secret[_-]?)access[_-]?key|"
    "password|passwd|pwd"
    "|passphrase|otp|totp|mfa|cvv|cvc|x-amz-signature|x-amz-credential|x-amz-security-token|x-goog-"
    "signature"
    "|signature|sig|samlresponse|assertion|jwt|credentials?";

constexpr const char* kPersonalKeys =
    "e-?mail|email_?address|phone|phone_?number|mobile|msisdn|ssn|social_security_number|dob|date_?"
    "of_?birth"
    "|birth_?date|birthday|first_?name|last_?name|full_?name|given_?name|family_?name|surname|user_"
    "?name|street"
    "|street_?address|passport|iban";

bool NotPlaceholder(std::string_view text) {
  return text.size() >= 4 && text != "null" && text != "true" && text != "false";
}

// A placeholder reads like a header: <cookie:redacted>.
bool NotRedacted(std::string_view text) { return !text.starts_with("redacted>"); }

// After a colon prose may follow ("token: unexpected end", "auth: oauth2"): only what is no word
// counts.
bool NoWord(std::string_view text) {
  static constexpr std::string_view kMethods[] = {"oauth1",   "oauth2", "sha256",  "sha512",
                                                  "hs256",    "rs256",  "base64",  "argon2",
                                                  "oauth2.0", "md5",    "ed25519", "x509"};
  if (std::any_of(std::begin(kMethods), std::end(kMethods), [text](std::string_view method) {
        return text.size() == method.size() &&
               std::equal(text.begin(), text.end(), method.begin(),
                          [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
      }))
    return false;
  bool digit = false;
  for (const char c : text) digit |= c >= '0' && c <= '9';
  return text.size() >= 6 && (digit || validators::Entropy(text) >= 3.7);
}

bool HasEntropy(std::string_view text) {
  return validators::Entropy(text) >= 3.5 && !validators::IsUuid(text);
}

bool IsCardNumber(std::string_view text) { return validators::IsCard(text); }

// Lower-case ids in hexadecimal have letters where account numbers of such length have digits.
bool IsLowerIban(std::string_view text) {
  const bool id =
      validators::IsHex(text) && text.find_first_of("abcdef", 2) != std::string_view::npos;
  return !id && validators::IsIban(text);
}

bool AnyNonEmpty(std::string_view text) { return !text.empty(); }

using enum Border;
constexpr Action kSecret = Action::kRedact;
constexpr Action kPersonal = Action::kTokenAndSeal;

constexpr ValueRule kRules[] = {
    // Whole headers and structures.
    {"cookie_header", "cookie", kSecret,
     "(?i)(?:^|[^a-z0-9])(?:set-)?cookie:\\s*([^\\s<][^\\r\\n]*)", 1, kAny, NotRedacted},
    {"bearer", "bearer", kSecret, "(?i)bearer(?:\\s+|%20|\\+)([\\w.~+/=-]{12,})", 1, kAny, NoWord},
    {"basic", "basic", kSecret, "(?i)basic(?:\\s+|%20|\\+)([A-Za-z0-9+/_-]{8,}={0,2})", 1, kAny,
     validators::IsBasicCredentials},
    {"url_userinfo", "userinfo", kSecret, "(?i)[a-z][a-z0-9+.-]*://([^/\\s@?#\"'<]+)@", 1, kAny,
     nullptr},
    {"database_url", "database-url", kSecret,
     "(?i)\\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\\+srv)?|rediss?|amqps?|mssql|clickhouse):/"
     "/[^\\s\"'<]*@[^\\s\"'<]*",
     0, kAny, nullptr},
    {"jwt", "jwt", kSecret, "ey[A-Za-z0-9_-]{10,}={0,2}(?:\\.[A-Za-z0-9_-]*={0,2}){0,4}", 0, kLeft,
     validators::IsJwt},
    {"pem", "private-key", kSecret, "(?s)-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY.*", 0, kAny,
     nullptr},
    {"service_account", "service-account", kSecret,
     "(?s)(?:\\{.*)?[\"']type[\"']\\s*:\\s*[\"']service_account[\"'].*", 0, kAny, nullptr},
    {"kubernetes_secret", "secret", kSecret,
     "(?is)\\bkind[\"']?:\\s*[\"']?secret\\b.*\\b(?:string)?data[\"']?:.*|\\b(?:string)?data[\"']?:"
     ".*\\bkind[\"']?:\\s*"
     "[\"']?secret\\b.*",
     0, kAny, nullptr},
    // Keys with a known prefix.
    {"aws_id", "aws-key", kSecret, "(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}", 0, kLeft,
     nullptr},
    {"aws_secret", "aws-secret", kSecret, "(?i)aws[\\w .-]{0,30}[\"'\\s:=]{1,5}([A-Za-z0-9/+]{40})",
     1, kLeft, HasEntropy},
    {"github", "github-token", kSecret, "(?:gh[pousr]_[0-9A-Za-z]{16,}|github_pat_\\w{20,})", 0,
     kLeft, nullptr},
    {"gitlab", "gitlab-token", kSecret, "gl(?:pat|dt|rt|oas|cbt|ptt|ft|soat)-[\\w-]{16,}", 0, kLeft,
     nullptr},
    {"slack", "slack-token", kSecret, "xox[abceoprs]-[\\w-]{10,}|xapp-\\d-[\\w-]{10,}", 0, kLeft,
     nullptr},
    {"slack_hook", "slack-hook", kSecret,
     "(?i)hooks\\.slack\\.com/(?:services|workflows|triggers)/[\\w/+-]{10,}", 0, kAny, nullptr},
    {"stripe", "stripe-key", kSecret, "(?:(?:sk|rk)_(?:test|live|prod)|whsec)_[A-Za-z0-9]{10,}", 0,
     kLeft, nullptr},
    {"openai", "openai-key", kSecret,
     "sk-(?:proj-|svcacct-|admin-|None-)[\\w-]{20,}|sk-[A-Za-z0-9]{20,}", 0, kLeft, nullptr},
    {"anthropic", "anthropic-key", kSecret, "sk-ant-[\\w-]{16,}", 0, kLeft, nullptr},
    {"google", "google-key", kSecret, "AIza[\\w-]{30,}|GOCSPX-[\\w-]{20,}|ya29\\.[\\w-]{20,}", 0,
     kLeft, nullptr},
    {"sendgrid", "sendgrid-key", kSecret, "SG\\.[\\w=.-]{34,}", 0, kLeft, nullptr},
    {"twilio", "twilio-key", kSecret, "(?:SK|AC)[0-9a-f]{32}", 0, kLeft, nullptr},
    {"mailchimp", "mailchimp-key", kSecret, "[0-9a-f]{32}-us\\d{1,2}", 0, kLeft, nullptr},
    {"npm", "npm-token", kSecret, "npm_[A-Za-z0-9]{30,}|pypi-[\\w-]{30,}", 0, kLeft, nullptr},
    {"huggingface", "huggingface-token", kSecret, "hf_[A-Za-z]{30,}", 0, kLeft, nullptr},
    {"telegram", "telegram-token", kSecret,
     "\\d{8,10}:[A-Za-z0-9_-]{35}|\\d{5,16}:A[A-Za-z0-9_-]{34}", 0, kLeft, nullptr},
    {"azure", "azure-key", kSecret,
     "(?i)(?:AccountKey|SharedAccessKey|SharedAccessSignature)\\s*=\\s*[^;\\s\"']{10,}", 0, kAny,
     nullptr},
    {"presigned", "signature", kSecret,
     "(?i)[?&;](?:sig|x-amz-[a-z-]+|x-goog-[a-z-]+|signature)=([^&\\s\"'<]+)", 1, kAny, nullptr},
    {"other_prefix", "api-key", kSecret,
     "(?:lin_(?:api|oauth)_[\\w]{24,}|PMAK-[\\w-]{24,}|ntn_[\\w]{24,}|secret_[A-Za-z0-9]{40,}"
     "|key-[0-9a-f]{32})",
     0, kLeft, nullptr},
    // key=value of queries, cookies and forms; key: value of logs. Members of JSON text are in
    // text_members.h.
    {"keyed_query", "secret", kSecret,
     "(?i)(?:^|[^a-z0-9])(?:{secret}|ticket)=[\"']?([^\\s&\"';,<]+)", 1, kAny, NotPlaceholder},
    {"keyed_oauth", "code", kSecret,
     "(?i)[?&#;](?:code|state|key|pass|reset|invite|magic|verify|confirm)=([^\\s&\"';,<]+)", 1,
     kAny, NotPlaceholder},
    {"keyed_text", "secret", kSecret,
     "(?i)(?:^|[^a-z0-9])(?:{secret})[\"']?(?:\\s*[:=]\\s*|\\s+is\\s+)[\"']?([^\\s\"';,<]+)", 1,
     kAny, NoWord},
    {"generic", "secret", kSecret,
     "(?i)(?:secret|token|passwd|password|api.?key)[\"'\\s:=]{1,5}([\\w.=+/-]{16,})", 1, kAny,
     HasEntropy},
    // The ends of names in code and configuration: vendorToken := "...", <vendorToken>...,
    // set("VENDOR_TOKEN", "...").
    {"keyed_assignment", "secret", kSecret,
     "(?i)(?:token|secret|passw(?:or)?d|creds?|credentials?|(?:api|access|private|secret|auth|"
     "account|license)[_.-]?key)"
     "(?:[_.-]?(?:string|value|prod|test|live|dev|v?\\d{1,3}))?(?:\\s+string)?[\"'`\\s]{0,3}"
     "(?:=>|[:?+.|]{0,3}=|:|>|\\|\\||,\\s*[\"'`])[\\s\"'`=]{0,5}([^\\s\"'`<>,;)]{6,})",
     1, kAny, validators::IsSecretValue},
    {"keyed_markup", "secret", kSecret,
     "(?i)(?:key|name)=[\"'][\\w.:-]{0,60}(?:password|passwd|pwd|secret|token|(?:api|access)[_-]?"
     "key)[\"']\\s+"
     "value=[\"']([^\"'<]+)",
     1, kAny, NotPlaceholder},
    {"command_user", "password", kSecret,
     "(?is)\\bcurl\\b.{0,300}?\\s(?:-u|--user)[\\s=]*[\"']?([^\\s:\"'<>]+:[^\\s\"'<>]{3,})", 1,
     kAny, nullptr},
    // Personal data by its own form.
    {"email", "email", kPersonal,
     "[A-Za-z0-9._%+'\\x80-\\xff-]+@(?:[A-Za-z0-9\\x80-\\xff-]+\\.)+(?:xn--[A-Za-z0-9-]{2,59}|[A-"
     "Za-z\\x80-\\xff]{2,24})",
     0, kLeft, validators::IsEmail},
    {"phone_international", "phone", kPersonal, "\\+ ?[1-9](?:[ ./()-]{0,2}\\d){6,14}", 0, kNumber,
     validators::IsInternationalPhone},
    {"phone_nanp", "phone", kPersonal,
     "(?:\\+?1[ .-]?)?(?:\\(\\d{3}\\) ?|\\d{3}[ .-])\\d{3}[ .-]\\d{4}", 0, kNumber,
     validators::IsNanpPhone},
    {"phone_national", "phone", kPersonal,
     "0\\d{2,4}[ /]\\d{3,4}(?:[ -]?\\d{2,4}){1,3}|0\\d{1,3}-\\d{3,4}-\\d{4}|0\\d-\\d{7}"
     "|0[ -]\\(?\\d{3}\\)?[ -]\\d{3}[ -]?\\d{2}[ -]?\\d{2}|00 ?[1-9]\\d?(?:[ /-]\\d{2,5}){2,5}",
     0, kNumber, validators::IsTrunkPhone},
    {"phone_groups", "phone", kPersonal, "[2-9]\\d{2}[ -]\\d{3}[ -]\\d{2}[ -]\\d{2}", 0, kNumber,
     nullptr},
    {"card", "card", kSecret,
     "\\d{14,16}|\\d{19}|\\d{4}[ .-]\\d{4}[ .-]\\d{4}[ .-]\\d{4}|\\d{4}[ -]\\d{6}[ -]\\d{4,5}", 0,
     kNumber, IsCardNumber},
    {"iban", "iban", kPersonal, "[A-Z]{2}\\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,4})?", 0,
     kWord, validators::IsIban},
    {"iban_lower", "iban", kPersonal, "[a-z]{2}\\d{2}(?: ?[a-z0-9]{4}){3,7}(?: ?[a-z0-9]{1,4})?", 0,
     kWord, IsLowerIban},
    {"ssn", "ssn", kPersonal, "\\d{3}-\\d{2}-\\d{4}|\\d{3} \\d{2} \\d{4}|\\d{3}\\.\\d{2}\\.\\d{4}",
     0, kNumber, validators::IsSsn},
    {"ssn_keyed", "ssn", kPersonal,
     "(?i)(?:ssn|social security)\\D{0,14}(\\d{3}[ .-]?\\d{2}[ .-]?\\d{4})", 1, kNumber,
     validators::IsSsn},
    {"ipv4", "ip", kPersonal, "\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}", 0, kNumber,
     validators::IsPublicIpv4},
    {"ipv6", "ip", kPersonal,
     "(?i)(?:[23][0-9a-f]{3}:[0-9a-f:.]{1,40}[0-9a-f:]|(?:::|(?:0{1,4}:){1,5}:?)ffff:[0-9.]{7,15})",
     0, kWord, validators::IsPublicIpv6},
    // Last, so that the rules above name what they know better.
    {"personal_query", "personal", kPersonal,
     "(?i)(?:^|[?&#;])(?:[a-z0-9]+[_-])*(?:{personal})=([^\\s&\"';<]+)", 1, kAny, AnyNonEmpty},
};

}  // namespace

std::string ExpandPattern(const char* pattern) {
  std::string out = pattern;
  for (const auto& [word, keys] :
       {std::pair{"{secret}", kSecretKeys}, std::pair{"{personal}", kPersonalKeys}}) {
    const size_t at = out.find(word);
    if (at != std::string::npos) out.replace(at, std::string_view(word).size(), keys);
  }
  return out;
}

std::span<const ValueRule> GeneralRules() { return kRules; }

}  // namespace bulkhead
