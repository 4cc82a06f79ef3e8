// Keys whose own form says who issued them: a fixed beginning, an alphabet, a length. Lengths are
// lower bounds, because SDKs cut strings. Where the beginning could be a word, a validator asks for
// what no word has.
#include <algorithm>
#include <iterator>

#include "sieve/validators.h"
#include "sieve/value_rules.h"

namespace bulkhead {
namespace {

bool HasDigit(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Small and capital letters and digits: neither a word nor an identifier in a program.
bool IsMixed(std::string_view text) {
  const auto has = [text](char from, char to) {
    return std::any_of(text.begin(), text.end(), [=](char c) { return c >= from && c <= to; });
  };
  return has('0', '9') && has('a', 'z') && has('A', 'Z');
}

// sk_ and 29 characters of any kind, some of them neither letter nor digit.
bool IsPunctuatedKey(std::string_view text) {
  const bool marks = text.find_first_of("#@&*$!%^+=~", 3) != std::string_view::npos;
  return marks && IsMixed(text);
}

using enum Border;
constexpr Action kSecret = Action::kRedact;

constexpr ValueRule kVendorKeys[] = {
    // Clouds and hosting.
    {"alibaba", "alibaba-key", kSecret, "LTAI[A-Za-z0-9]{12,}", 0, kLeft, HasDigit},
    {"aws_bedrock", "aws-key", kSecret,
     "ABSK[A-Za-z0-9+/]{40,}={0,2}|bedrock-api-key-[\\w+/=-]{16,}", 0, kLeft, nullptr},
    {"aws_account", "aws-account", kSecret,
     "(?i)aws[_ .-]{0,2}account(?:[_ .-]{0,2}id)?[\"'\\s:=>]{1,8}(\\d{4}-?\\d{4}-?\\d{4})", 1,
     kLeft, nullptr},
    {"azure_ad", "azure-key", kSecret, "[A-Za-z0-9_~.]{3}\\dQ~[A-Za-z0-9_~.-]{20,}", 0, kLeft,
     nullptr},
    {"cloudflare", "cloudflare-key", kSecret,
     "v1\\.0-[0-9a-f]{24}-[0-9a-f]{40,}|cf(?:at|k|ut)_[A-Za-z0-9]{30,}", 0, kLeft, nullptr},
    {"digitalocean", "digitalocean-token", kSecret, "do[opr]_v1_[0-9a-f]{32,}", 0, kLeft, nullptr},
    {"fly", "fly-token", kSecret, "fo1_[\\w-]{30,}|fm[12][ar]?_[A-Za-z0-9+/]{40,}={0,3}", 0, kLeft,
     nullptr},
    {"heroku", "heroku-key", kSecret, "HRKU-AA[\\w-]{40,}", 0, kLeft, nullptr},
    {"openshift", "openshift-token", kSecret, "sha256~[\\w-]{40,}", 0, kLeft, nullptr},
    {"scalingo", "scalingo-token", kSecret, "tk-us-[\\w-]{40,}", 0, kLeft, nullptr},
    {"vercel", "vercel-token", kSecret, "vc[acikpr]_[A-Za-z0-9]{24,}", 0, kLeft, HasDigit},
    {"yandex", "yandex-key", kSecret,
     "t1\\.[A-Za-z0-9_-]+={0,2}\\.[A-Za-z0-9_-]{80,}={0,2}|AQVN[A-Za-z0-9_-]{34,37}|YC[A-Za-z0-9_-]"
     "{38}",
     0, kWord, IsMixed},
    // Secret stores and networks.
    {"vault", "vault-token", kSecret, "hv[bsr]\\.[\\w-]{24,}", 0, kLeft, nullptr},
    {"vault_old", "vault-token", kSecret, "s\\.[A-Za-z0-9]{24}", 0, kWord, IsMixed},
    {"terraform", "terraform-token", kSecret, "[A-Za-z0-9]{14}\\.atlasv1\\.[\\w=-]{40,}", 0, kLeft,
     nullptr},
    {"doppler", "doppler-token", kSecret, "dp\\.(?:pt|st|ct|sa|scim|audit)\\.[\\w.-]{30,}", 0,
     kLeft, nullptr},
    {"onepassword", "1password-key", kSecret,
     "A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}|ops_ey[\\w+/"
     "=-]{40,}",
     0, kLeft, nullptr},
    {"age", "age-key", kSecret, "AGE-SECRET-KEY-1[\\w]{20,}", 0, kLeft, nullptr},
    {"tailscale", "tailscale-key", kSecret, "tskey-[a-z]+-[A-Za-z0-9-]{16,}", 0, kLeft, nullptr},
    {"putty_key", "private-key", kSecret, "PuTTY-User-Key-File-\\d[^\\r\\n]*(?:\\s.*)?", 0, kLeft,
     nullptr},
    // Code, packages, builds.
    {"bitbucket", "atlassian-token", kSecret, "AT(?:ATT3|BB|CTT3|STT3)[\\w=-]{28,}", 0, kLeft,
     HasDigit},
    {"artifactory", "artifactory-key", kSecret, "AKCp[A-Za-z0-9]{60,}|cmVmd[A-Za-z0-9]{59}", 0,
     kLeft, HasDigit},
    {"clojars", "clojars-token", kSecret, "CLOJARS_[A-Za-z0-9]{40,}", 0, kLeft, nullptr},
    {"docker", "docker-token", kSecret, "dckr_(?:pat|oat)_[\\w-]{20,}", 0, kLeft, nullptr},
    {"gitlab_other", "gitlab-token", kSecret,
     "gl(?:ffct|imt|agent|rtr|wt)-[\\w.-]{16,}|GR1348941[\\w-]{16,}", 0, kLeft, HasDigit},
    {"harness", "harness-key", kSecret, "[ps]at\\.[\\w-]{22}\\.[A-Za-z0-9]{20,}\\.[A-Za-z0-9]{16,}",
     0, kLeft, nullptr},
    {"infracost", "infracost-key", kSecret, "ico-[A-Za-z0-9]{32}", 0, kLeft, HasDigit},
    {"nuget", "nuget-key", kSecret, "oy2[a-z0-9]{43}", 0, kWord, nullptr},
    {"octopus", "octopus-key", kSecret, "API-[A-Z0-9]{26}", 0, kWord, HasDigit},
    {"prefect", "prefect-key", kSecret, "pn[bu]_[A-Za-z0-9]{30,}", 0, kLeft, nullptr},
    {"pulumi", "pulumi-token", kSecret, "pul-[0-9a-f]{40}", 0, kLeft, nullptr},
    {"rubygems", "rubygems-key", kSecret, "rubygems_[0-9a-f]{40,}", 0, kLeft, nullptr},
    {"sourcegraph", "sourcegraph-token", kSecret,
     "sgp_(?:[A-Fa-f0-9]{16}_|local_)?[A-Fa-f0-9]{40}|slk_[A-Fa-f0-9]{64}", 0, kLeft, nullptr},
    // Data, monitoring, learning.
    {"airtable", "airtable-token", kSecret, "pat[A-Za-z0-9]{14}\\.[0-9a-f]{40,}", 0, kLeft,
     nullptr},
    {"clickhouse", "clickhouse-key", kSecret, "4b1d[A-Za-z0-9]{38}", 0, kWord, IsMixed},
    {"databricks", "databricks-token", kSecret, "dapi[0-9a-fA-F]{32}", 0, kLeft, nullptr},
    {"dynatrace", "dynatrace-token", kSecret,
     "dt0[a-z]\\d\\d\\.[A-Za-z0-9]{20,}\\.[A-Za-z0-9]{40,}", 0, kLeft, nullptr},
    {"grafana", "grafana-token", kSecret,
     "gl(?:c|sa)_[\\w+/]{20,}={0,2}|eyJrIjoi[A-Za-z0-9]{40,}={0,2}", 0, kLeft, nullptr},
    {"groq", "groq-key", kSecret, "gsk_[A-Za-z0-9]{32,}", 0, kLeft, nullptr},
    {"huggingface_org", "huggingface-token", kSecret, "api_org_[A-Za-z]{24,}", 0, kLeft, nullptr},
    {"maxmind", "maxmind-key", kSecret, "[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk", 0, kLeft, nullptr},
    {"newrelic", "newrelic-key", kSecret, "NR(?:AK|II|JS|RA)-[A-Za-z0-9_-]{19,}", 0, kLeft,
     HasDigit},
    {"other_models", "model-key", kSecret,
     "pplx-[A-Za-z0-9]{32,}|xai-[A-Za-z0-9]{60,}|r8_[A-Za-z0-9]{36,}|sk-or-v1-[0-9a-f]{40,}", 0,
     kLeft, HasDigit},
    {"planetscale", "planetscale-key", kSecret, "pscale_(?:tkn|oauth|pw)_[\\w=.-]{20,}", 0, kLeft,
     nullptr},
    {"product_analytics", "analytics-key", kSecret, "ph[cx]_[A-Za-z0-9]{40,}|sbp_[0-9a-f]{40}", 0,
     kLeft, nullptr},
    {"sentry", "sentry-token", kSecret, "sntry[su]_[\\w+/=-]{40,}", 0, kLeft, nullptr},
    {"contentful", "contentful-token", kSecret, "CFPAT-[\\w-]{40,}|nfp_[A-Za-z0-9_]{36}", 0, kLeft,
     nullptr},
    // Messages, payments, shops, social networks.
    {"adobe", "adobe-secret", kSecret, "p8e-[A-Za-z0-9]{32}", 0, kLeft, HasDigit},
    {"authress", "authress-key", kSecret,
     "(?i)(?:sc|ext|scauth|authress)_[a-z0-9]{5,30}\\.[a-z0-9]{4,6}\\.acc[_-][a-z0-9-]{10,32}\\."
     "[a-z0-9+/_=-]{24,}",
     0, kLeft, nullptr},
    {"discord", "discord-token", kSecret,
     "[MNO][A-Za-z\\d]{23,25}\\.[\\w-]{6}\\.[\\w-]{27,38}|discord(?:app)?\\.com/api/webhooks/[\\w/"
     "-]{20,}",
     0, kLeft, nullptr},
    {"duffel", "duffel-token", kSecret, "duffel_(?:test|live)_[\\w=-]{30,}", 0, kLeft, nullptr},
    {"easypost", "easypost-key", kSecret, "EZ[AT]K[A-Za-z0-9]{40,}", 0, kLeft, nullptr},
    {"facebook", "facebook-token", kSecret, "EAA[B-Z][A-Za-z0-9]{60,}", 0, kLeft, HasDigit},
    {"facebook_app", "facebook-token", kSecret, "\\d{13,17}(?:\\||%7[Cc])[\\w-]{27}", 0, kWord,
     nullptr},
    {"figma", "figma-token", kSecret, "fig[douw]r?_[\\w-]{30,}", 0, kLeft, HasDigit},
    {"flutterwave", "flutterwave-key", kSecret,
     "FLW(?:PUBK|SECK)(?:_TEST)?-[A-Za-z0-9]{12,}(?:-X)?", 0, kLeft, nullptr},
    {"frameio", "frameio-token", kSecret, "fio-u-[\\w=-]{40,}", 0, kLeft, nullptr},
    {"freemius", "freemius-key", kSecret, "sk_[!-~]{29}", 0, kLeft, IsPunctuatedKey},
    {"intra42", "intra42-secret", kSecret, "s-s4t2(?:ud|af)-[0-9a-f]{40,}", 0, kLeft, nullptr},
    {"lob", "lob-key", kSecret, "(?:live|test)_(?:pub_)?[0-9a-f]{31,}", 0, kLeft, nullptr},
    {"plaid", "plaid-token", kSecret, "access-(?:sandbox|development|production)-[0-9a-f-]{32,}", 0,
     kLeft, nullptr},
    {"readme", "readme-key", kSecret, "rdme_[a-z0-9]{50,}", 0, kLeft, nullptr},
    {"sendinblue", "sendinblue-key", kSecret, "xkeysib-[0-9a-f]{40,}-[A-Za-z0-9]{10,}", 0, kLeft,
     nullptr},
    {"settlemint", "settlemint-token", kSecret, "sm_[aps]at_[A-Za-z0-9]{16}", 0, kLeft, HasDigit},
    {"shippo", "shippo-key", kSecret, "shippo_(?:live|test)_[0-9a-f]{32,}", 0, kLeft, nullptr},
    {"shopify", "shopify-token", kSecret, "shp(?:at|ca|pa|ss)_[A-Za-z0-9]{24,}", 0, kLeft,
     HasDigit},
    {"square", "square-token", kSecret, "sq0[a-z]{3}-[\\w\\\\-]{20,}", 0, kLeft, nullptr},
    {"square_old", "square-token", kSecret, "EAAA[\\w-]{22,}", 0, kLeft, HasDigit},
    {"teams_hook", "teams-hook", kSecret,
     "(?i)webhook\\.office\\.com/(?:webhookb2|webhook)/[\\w@/-]{20,}", 0, kAny, nullptr},
    {"trello", "trello-token", kSecret, "ATTA[0-9a-f]{60,}", 0, kLeft, nullptr},
    {"typeform", "typeform-token", kSecret, "tfp_[\\w.=-]{40,}", 0, kLeft, nullptr},
};

}  // namespace

std::span<const ValueRule> VendorKeyRules() { return kVendorKeys; }

}  // namespace bulkhead
