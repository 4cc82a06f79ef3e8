#include "sieve/url_cleaner.h"

#include <algorithm>

#include "base/percent.h"
#include "sieve/validators.h"

namespace bulkhead {
namespace {

constexpr size_t kMaxQueryValueBytes = 100;

std::string Lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

// Query parameters that say where a visit came from or what page is shown, never who.
bool IsAllowedParameter(std::string_view key) {
  static constexpr std::string_view kAllowed[] = {
      "ref",      "source", "medium",   "campaign",  "page",    "per_page", "tab",
      "lang",     "locale", "hl",       "sort",      "order",   "view",     "section",
      "category", "plan",   "currency", "variant",   "version", "theme",    "limit",
      "offset",   "mode",   "period",   "from_date", "to_date", "step",     "country"};
  return key.starts_with("utm_") ||
         std::find(std::begin(kAllowed), std::end(kAllowed), key) != std::end(kAllowed);
}

// The segment after one of these is a one-time secret whatever it looks like.
bool AnnouncesSecret(std::string_view segment) {
  static constexpr std::string_view kWords[] = {
      "reset",          "reset-password", "password-reset",
      "reset_password", "password_reset", "resetpassword",
      "invite",         "invites",        "invitation",
      "invitations",    "verify",         "verification",
      "verify-email",   "verify_email",   "confirm",
      "confirmation",   "confirm-email",  "confirm_email",
      "magic",          "magic-link",     "magic_link",
      "magiclink",      "activate",       "activation",
      "token",          "tokens",         "otp",
      "recover",        "recovery",       "unsubscribe"};
  return std::find(std::begin(kWords), std::end(kWords), segment) != std::end(kWords);
}

// Pages of such flows, /reset/done, rather than secrets.
bool IsPageWord(std::string_view segment) {
  static constexpr std::string_view kWords[] = {
      "done",       "success", "sent",    "email", "password", "complete", "completed",
      "error",      "expired", "new",     "link",  "phone",    "account",  "pending",
      "index.html", "team",    "members", "user",  "users",    "failed",   "request"};
  return std::find(std::begin(kWords), std::end(kWords), segment) != std::end(kWords);
}

// After these a long hexadecimal segment is the name of a version or a file.
bool AnnouncesHash(std::string_view segment) {
  static constexpr std::string_view kWords[] = {
      "commit", "commits", "tree", "blob", "blame",  "compare", "assets", "static",
      "build",  "builds",  "raw",  "sha",  "chunks", "js",      "css",    "img"};
  return std::find(std::begin(kWords), std::end(kWords), segment) != std::end(kWords);
}

// Files of a site: index-3f2a1b4c.js, also with the line and column of a stack,
// index-3f2a1b4c.js:1:23.
bool IsFileName(std::string_view segment) {
  static constexpr std::string_view kEndings[] = {".js",   ".mjs",  ".css", ".map", ".html",
                                                  ".htm",  ".png",  ".jpg", ".svg", ".gif",
                                                  ".webp", ".json", ".tsx", ".ts",  ".woff2"};
  segment = segment.substr(0, segment.find_first_of(":)"));
  return std::any_of(std::begin(kEndings), std::end(kEndings),
                     [segment](std::string_view ending) { return segment.ends_with(ending); });
}

// A file's name holds a short hash beside words; each part is judged alone.
bool LooksRandomPart(std::string_view segment) {
  if (!IsFileName(segment)) return validators::LooksRandom(segment);
  for (size_t from = 0; from <= segment.size();) {
    const size_t end = std::min(segment.find_first_of("-_.~", from), segment.size());
    if (validators::LooksRandom(segment.substr(from, end - from))) return true;
    from = end + 1;
  }
  return false;
}

std::string FullyDecoded(std::string_view text) {
  std::string decoded(text);
  for (int i = 0; i < 3 && decoded.find('%') != std::string::npos; ++i)
    decoded = PercentDecode(decoded, false);
  return decoded;
}

void Report(const char* rule, Action action, std::vector<TextHit>* hits) {
  hits->push_back({rule, action, std::string()});
}

// After two slashes: a host, rather than the first step of an XPath.
bool IsNetworkPath(std::string_view rest) {
  return rest.substr(0, rest.find_first_of("/?#")).find_first_of("'\"()=*") ==
         std::string_view::npos;
}

class UrlParts {
 public:
  UrlParts(const CleanPart& clean_part, std::vector<TextHit>* hits)
      : clean_part_(clean_part), hits_(hits) {}

  std::string Authority(std::string_view authority) const {
    const size_t at = authority.rfind('@');
    if (at != std::string_view::npos) {
      Report("url_userinfo", Action::kDrop, hits_);
      authority.remove_prefix(at + 1);
    }
    // Names of hosts in small letters hold nothing that a rule could find.
    const bool plain =
        authority.size() <= 80 && std::all_of(authority.begin(), authority.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || c == '.' || c == '-';
        });
    return plain ? std::string(authority) : Part(authority);
  }

  std::string Path(std::string_view path) const {
    std::string out;
    std::string previous;
    while (!path.empty()) {
      const size_t slash = path.find('/');
      const std::string_view segment = path.substr(0, slash);
      out += Segment(segment, previous);
      if (!segment.empty()) previous = Lowered(FullyDecoded(segment));
      if (slash == std::string_view::npos) break;
      out.push_back('/');
      path.remove_prefix(slash + 1);
    }
    return out;
  }

  std::string Query(std::string_view query) const {
    std::string out;
    while (!query.empty()) {
      const size_t end = query.find_first_of("&;");
      const std::string_view pair = query.substr(0, end);
      query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
      if (pair.empty()) continue;
      if (!KeepPair(pair)) continue;
      if (!out.empty()) out.push_back('&');
      out += pair;
    }
    return out;
  }

  // Routes of single-page programs and headings stay; anything that could carry a value goes.
  bool KeepFragment(std::string_view fragment) const {
    const bool plain =
        fragment.size() <= 60 && std::all_of(fragment.begin(), fragment.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_' || c == '/' || c == '!';
        });
    return plain && Path(fragment) == fragment;
  }

 private:
  std::string Part(std::string_view raw) const {
    std::string decoded = FullyDecoded(raw);
    return clean_part_(&decoded) ? decoded : std::string(raw);
  }

  std::string Segment(std::string_view segment, const std::string& previous) const {
    if (segment.empty()) return std::string();
    // Matrix parameters: /page;jsessionid=...
    const size_t matrix = segment.find(';');
    if (matrix != std::string_view::npos && matrix > 0) {
      Report("url_parameter", Action::kDrop, hits_);
      segment = segment.substr(0, matrix);
    }
    const std::string cleaned = Part(segment);
    if (cleaned != segment) return cleaned;
    const std::string decoded = FullyDecoded(segment);
    const bool marker = decoded.front() == '<' && decoded.back() == '>';
    if (marker) return cleaned;
    if (AnnouncesSecret(previous) && !IsPageWord(Lowered(decoded))) {
      Report("url_secret_segment", Action::kRedact, hits_);
      return "<redacted>";
    }
    if (LooksRandomPart(decoded) && !(validators::IsHex(decoded) && AnnouncesHash(previous))) {
      Report("url_random_segment", Action::kRedact, hits_);
      return "<redacted>";
    }
    return cleaned;
  }

  bool KeepPair(std::string_view pair) const {
    const size_t equals = pair.find('=');
    const std::string key = Lowered(FullyDecoded(pair.substr(0, equals)));
    std::string value = equals == std::string_view::npos
                            ? std::string()
                            : PercentDecode(pair.substr(equals + 1), true);
    value = FullyDecoded(value);
    if (!IsAllowedParameter(key)) {
      Report(IsSensitiveKey(key) ? "url_sensitive_parameter" : "url_parameter", Action::kDrop,
             hits_);
      return false;
    }
    std::string copy = value;
    if (value.size() > kMaxQueryValueBytes || validators::LooksRandom(value) ||
        value.find("://") != std::string::npos || clean_part_(&copy)) {
      Report("url_parameter_value", Action::kDrop, hits_);
      return false;
    }
    return true;
  }

  const CleanPart& clean_part_;
  std::vector<TextHit>* hits_;
};

}  // namespace

std::string CleanUrl(std::string_view url, const CleanPart& clean_part,
                     std::vector<TextHit>* hits) {
  const UrlParts parts(clean_part, hits);
  std::string out;
  std::string_view rest = url;
  const size_t scheme_end = url.find("://");
  if (scheme_end != std::string_view::npos && url.find_first_of("/?#") > scheme_end) {
    out += url.substr(0, scheme_end + 3);
    rest.remove_prefix(scheme_end + 3);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    out += parts.Authority(authority);
    rest.remove_prefix(authority.size());
  } else if (url.starts_with("//") && IsNetworkPath(url.substr(2))) {
    out += "//";
    rest.remove_prefix(2);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    out += parts.Authority(authority);
    rest.remove_prefix(authority.size());
  }
  const std::string_view path = rest.substr(0, rest.find_first_of("?#"));
  out += parts.Path(path);
  rest.remove_prefix(path.size());
  if (rest.starts_with('?')) {
    const std::string_view query =
        rest.substr(1, rest.find('#') == std::string_view::npos ? rest.npos : rest.find('#') - 1);
    const std::string kept = parts.Query(query);
    if (!kept.empty()) out += "?" + kept;
    rest.remove_prefix(query.size() + 1);
  }
  if (rest.size() > 1) {
    if (parts.KeepFragment(rest.substr(1))) {
      out += rest;
    } else {
      Report("url_fragment", Action::kDrop, hits);
    }
  }
  return out;
}

}  // namespace bulkhead
