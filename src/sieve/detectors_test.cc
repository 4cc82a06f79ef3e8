// Each rule of values finds what it is for, and lets its look-alike be.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "sieve/sieve_fixture.h"
#include "sieve/value_rules.h"

namespace bulkhead {
namespace {

std::string From(std::string_view alphabet, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out.push_back(alphabet[(i * 7 + 3) % alphabet.size()]);
  return out;
}
std::string Mixed(size_t count) { return From("a3B7dE5fG2hJ9kL1mN4pQ8rS6tV0wX", count); }
std::string Small(size_t count) { return From("a3b7d5f2h9k1m4p8r6t0w", count); }
std::string Hex(size_t count) { return From("0a3f5b7c9d1e2864", count); }
std::string Capital(size_t count) { return From("A3B7D5F2H9K4M6P8R", count); }
std::string Letters(size_t count) { return From("aBdEfGhJkLmNpQrStVwX", count); }
std::string Digits(size_t count) { return From("3170495826", count); }

// What stands in the rule's place once it matched; built here so that no line looks like a key.
std::map<std::string, std::vector<std::string>> Positives() {
  const std::string jwt =
      "ey"
      "JhbGciOiJIUzI1NiJ9.ey"
      "JzdWIiOiIxMjM0NTY3ODkwIn0." +
      Mixed(30);
  return {
      {"cookie_header", {"Set-Cookie: a=" + Mixed(12)}},
      {"bearer", {"Bearer " + Mixed(24)}},
      {"basic", {"Basic " + Base64Encode("user:" + Mixed(12))}},
      {"url_userinfo", {"git+ssh://u:" + Mixed(9) + "@h.example/"}},
      {"database_url", {"mongodb+srv://a:" + Mixed(9) + "@h.example/db"}},
      {"jwt", {jwt, jwt.substr(0, 30)}},
      {"pem",
       {"-----BEGIN "
        "OPENSSH PRIVATE KEY-----\n" +
        Mixed(64)}},
      {"service_account", {"{\"type\": \"service_account\", \"n\": 1}"}},
      {"kubernetes_secret", {"kind: Secret\ndata:\n  a: " + Small(12)}},
      {"aws_id", {"AKIA" + Capital(16)}},
      {"aws_secret", {"aws secret access " + std::string("is: ") + Mixed(40)}},
      {"github", {"ghp_" + Mixed(36), "github_pat_" + Mixed(30)}},
      {"gitlab", {"glpat-" + Mixed(20)}},
      {"slack", {"xoxb-" + Digits(12) + "-" + Mixed(24), "xapp-1-" + Mixed(24)}},
      {"slack_hook", {"hooks.slack.com/services/T0/B0/" + Mixed(24)}},
      {"stripe", {"sk_live_" + Mixed(24), "whsec_" + Mixed(24)}},
      {"openai", {"sk-proj-" + Mixed(40), "sk-" + Mixed(40)}},
      {"anthropic", {"sk-ant-api03-" + Mixed(40)}},
      {"google", {"AIza" + Mixed(35), "ya29." + Mixed(30)}},
      {"sendgrid", {"SG." + Mixed(22) + "." + Mixed(43)}},
      {"twilio", {"SK" + Hex(32)}},
      {"mailchimp", {Hex(32) + "-us14"}},
      {"npm", {"npm_" + Mixed(36), "pypi-" + Mixed(40)}},
      {"huggingface", {"hf_" + Letters(34)}},
      {"telegram", {Digits(9) + ":" + Mixed(35)}},
      {"azure", {"AccountKey=" + Mixed(40)}},
      {"presigned", {"x?sig=" + Mixed(20)}},
      {"other_prefix", {"lin_api_" + Mixed(40), "PMAK-" + Mixed(40), "ntn_" + Mixed(46)}},
      {"keyed_query", {"session=" + Small(8), "ticket=" + Small(8)}},
      {"keyed_oauth", {"x?code=" + Small(8)}},
      {"keyed_text", {"password is " + Small(8)}},
      {"generic", {"apikey " + Mixed(20)}},
      {"keyed_assignment", {"vendorToken := " + Small(24), "set(\"A_TOKEN\", '" + Small(24)}},
      {"keyed_markup", {"<add key='DbPassword' value='" + Small(9) + "'/>"}},
      {"command_user", {"curl -s -u me:" + Small(9) + " https://h.example"}},
      {"email", {"ada.lovelace@example.org"}},
      {"phone_international", {"+49 30 1234567"}},
      {"phone_nanp", {"(415) 555-0132"}},
      {"phone_national", {"030 1234 5678", "090-1234-5678", "0 532 123 45 67"}},
      {"phone_groups", {"532 123 45 67"}},
      {"card", {"4242 4242 4242 4242"}},
      {"iban", {"DE89 3704 0044 0532 0130 00"}},
      {"iban_lower", {"gb29nwbk60161331926819"}},
      {"ssn", {"219-09-9999"}},
      {"ssn_keyed", {"SSN: 219099999"}},
      {"ipv4", {"203.0.113.77"}},
      {"ipv6", {"2001:db8:85a3::8a2e:370:7334", "0:0:0:0:0:ffff:129.144.52.38"}},
      {"personal_query", {"user_email=ada"}},
  };
}

std::map<std::string, std::vector<std::string>> PlatformPositives() {
  return {
      {"alibaba", {"LTAI" + Mixed(20)}},
      {"aws_bedrock", {"ABSK" + Mixed(110), "bedrock-api-key-" + Mixed(30)}},
      {"aws_account", {"AWS_ACCOUNT_ID=" + Digits(12)}},
      {"azure_ad", {"aB38Q~" + Mixed(34)}},
      {"cloudflare", {"v1.0-" + Hex(24) + "-" + Hex(146)}},
      {"digitalocean", {"dop_v1_" + Hex(64)}},
      {"fly", {"fo1_" + Mixed(43), "fm2_" + Mixed(100)}},
      {"heroku", {"HRKU-AA" + Mixed(58)}},
      {"openshift", {"sha256~" + Mixed(43)}},
      {"scalingo", {"tk-us-" + Mixed(48)}},
      {"vercel", {"vcp_" + Mixed(40)}},
      {"yandex", {"AQVN" + Mixed(35), "YC" + Mixed(38)}},
      {"vault", {"hvs." + Mixed(90)}},
      {"vault_old", {"s." + Mixed(24)}},
      {"terraform", {Mixed(14) + ".atlasv1." + Mixed(60)}},
      {"doppler", {"dp.pt." + Mixed(43)}},
      {"onepassword",
       {"A3-" + Capital(6) + "-" + Capital(11) + "-" + Capital(5) + "-" + Capital(5) + "-" +
            Capital(5),
        "ops_ey" + Mixed(60)}},
      {"age", {"AGE-SECRET-KEY-1" + Capital(58)}},
      {"tailscale", {"tskey-auth-" + Mixed(12) + "-" + Mixed(32)}},
      {"putty_key", {"PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n" + Mixed(40)}},
      {"bitbucket", {"ATATT3" + Mixed(180), "ATBB" + Mixed(32)}},
      {"artifactory", {"AKCp" + Mixed(69)}},
      {"clojars", {"CLOJARS_" + Hex(60)}},
      {"docker", {"dckr_pat_" + Mixed(27)}},
      {"gitlab_other", {"glimt-" + Mixed(25), "GR1348941" + Mixed(20)}},
      {"harness", {"pat." + Mixed(22) + "." + Mixed(24) + "." + Mixed(20)}},
      {"infracost", {"ico-" + Mixed(32)}},
      {"nuget", {"oy2" + Small(43)}},
      {"octopus", {"API-" + Capital(26)}},
      {"prefect", {"pnu_" + Small(36)}},
      {"pulumi", {"pul-" + Hex(40)}},
      {"rubygems", {"rubygems_" + Hex(48)}},
      {"sourcegraph", {"sgp_" + Hex(40), "slk_" + Hex(64)}},
  };
}

std::map<std::string, std::vector<std::string>> ServicePositives() {
  return {
      {"airtable", {"pat" + Mixed(14) + "." + Hex(64)}},
      {"clickhouse", {"4b1d" + Mixed(38)}},
      {"databricks", {"dapi" + Hex(32)}},
      {"dynatrace", {"dt0c01." + Capital(24) + "." + Capital(64)}},
      {"grafana", {"glsa_" + Mixed(32) + "_" + Hex(8)}},
      {"groq", {"gsk_" + Mixed(52)}},
      {"huggingface_org", {"api_org_" + Letters(34)}},
      {"maxmind", {Mixed(6) + "_" + Mixed(29) + "_mmk"}},
      {"newrelic", {"NRAK-" + Capital(27)}},
      {"other_models", {"pplx-" + Mixed(48), "r8_" + Mixed(37), "sk-or-v1-" + Hex(64)}},
      {"planetscale", {"pscale_tkn_" + Mixed(43)}},
      {"product_analytics", {"phx_" + Mixed(43), "sbp_" + Hex(40)}},
      {"sentry", {"sntryu_" + Hex(64)}},
      {"contentful", {"CFPAT-" + Mixed(43)}},
      {"adobe", {"p8e-" + Mixed(32)}},
      {"authress", {"sc_" + Small(10) + "." + Small(4) + ".acc_" + Small(12) + "." + Small(40)}},
      {"discord",
       {"M" + Mixed(24) + "." + Mixed(6) + "." + Mixed(30),
        "discord.com/api/webhooks/1/" + Mixed(30)}},
      {"duffel", {"duffel_test_" + Mixed(43)}},
      {"easypost", {"EZAK" + Mixed(54)}},
      {"facebook", {"EAAG" + Mixed(120)}},
      {"facebook_app", {Digits(15) + "|" + Mixed(27)}},
      {"figma", {"figd_" + Mixed(40)}},
      {"flutterwave", {"FLWSECK_TEST-" + Hex(32) + "-X"}},
      {"frameio", {"fio-u-" + Mixed(64)}},
      {"freemius", {"sk_" + Mixed(14) + "#&@" + Mixed(12)}},
      {"intra42", {"s-s4t2ud-" + Hex(64)}},
      {"lob", {"live_" + Hex(35)}},
      {"plaid",
       {"access-sandbox-" + Hex(8) + "-" + Hex(4) + "-" + Hex(4) + "-" + Hex(4) + "-" + Hex(12)}},
      {"readme", {"rdme_" + Small(70)}},
      {"sendinblue", {"xkeysib-" + Hex(64) + "-" + Small(16)}},
      {"settlemint", {"sm_pat_" + Small(16)}},
      {"shippo", {"shippo_live_" + Hex(40)}},
      {"shopify", {"shpat_" + Hex(32)}},
      {"square", {"sq0atp-" + Mixed(22)}},
      {"square_old", {"EAAA" + Mixed(60)}},
      {"teams_hook", {"a.webhook.office.com/webhookb2/" + Mixed(30)}},
      {"trello", {"ATTA" + Hex(64)}},
      {"typeform", {"tfp_" + Mixed(59)}},
  };
}

std::map<std::string, std::vector<std::string>> VendorPositives() {
  std::map<std::string, std::vector<std::string>> positives = PlatformPositives();
  positives.merge(ServicePositives());
  return positives;
}

// A rule that comes before may take what a later one would have found, which is as well: the scan
// is asked for the rule, the whole sieve for the result.
void ExpectFound(const RuleSet& rules, const ValueRule& rule, const std::string& text) {
  bool found = false;
  for (const std::string& around : {text, "it was " + text + " then", "(" + text + ")"}) {
    for (const Span& span : rules.Scan(around, false)) {
      found |= span.rule == &rule || (span.rule->action == rule.action && span.end > span.begin);
    }
    EXPECT_TRUE(found) << rule.id << ": " << around;
  }
  CleanOutcome outcome;
  EXPECT_NE(CleanedText("note", text, &outcome), ToJson(Value(ValueObject{{"note", Value(text)}})))
      << rule.id;
  EXPECT_FALSE(outcome.findings.empty()) << rule.id;
}

TEST(DetectorsTest, EveryRuleFindsWhatItIsFor) {
  auto rules = RuleSet::Compile();
  ASSERT_TRUE(rules.has_value());
  std::map<std::string, std::vector<std::string>> positives = Positives();
  for (auto& [id, texts] : VendorPositives()) positives.emplace(id, std::move(texts));
  std::map<std::string, int> seen;
  for (const std::span<const ValueRule> table : {GeneralRules(), VendorKeyRules()}) {
    for (const ValueRule& rule : table) {
      EXPECT_EQ(++seen[rule.id], 1) << "two rules are called " << rule.id;
      ASSERT_TRUE(positives.contains(rule.id)) << "no positive for " << rule.id;
      for (const std::string& text : positives[rule.id]) ExpectFound(**rules, rule, text);
    }
  }
  for (const auto& [id, texts] : positives) EXPECT_TRUE(seen.contains(id)) << "no rule " << id;
}

// The rule itself, not one beside it.
TEST(DetectorsTest, VendorKeysAreCalledByTheirIssuer) {
  auto rules = RuleSet::Compile();
  ASSERT_TRUE(rules.has_value());
  for (const auto& [id, texts] : VendorPositives()) {
    for (const std::string& text : texts) {
      const std::vector<Span> spans = (*rules)->Scan("note " + text + " end", false);
      ASSERT_EQ(spans.size(), 1U) << id << ": " << text;
      EXPECT_EQ(spans[0].rule->id, id) << text;
    }
  }
}

TEST(DetectorsTest, LookAlikesStay) {
  const std::string texts[] = {"bearer of good news today",
                               "Basic plan for small teams",
                               "ey" + Small(9),
                               "see logo@2x.png",
                               "AKIA is a prefix",
                               "sk-learn",
                               "sk_buff_head",
                               "hf_model",
                               "npm_config",
                               "key-value store",
                               "SK-1234",
                               "vcp_a",
                               "s.makeKubeConfigController",
                               "harness.pat.tern",
                               "API-first design",
                               "pat.at.home",
                               "live_stream_2025",
                               "test_mode",
                               "EAAA",
                               "dp.pt",
                               "glass-half-full-and-then-some",
                               "access-sandbox-mode",
                               "figure_1",
                               "ghp_short",
                               "xai-grok",
                               "Basic " + Base64Encode("no separator in here"),
                               "4242 4242 4242 4243",
                               "DE88370400440532013000",
                               "000-12-3456",
                               "666-12-3456",
                               "219-00-9999",
                               "10.0.0.1",
                               "192.168.1.10",
                               "version 4.18.2.1",
                               "fe80::1",
                               "1.2.3.4.5",
                               "+999 123",
                               "(015) 555-0132",
                               "auth: oauth2",
                               "see ticket: OPS-4711",
                               "token: unexpected end",
                               "tokens: 1500",
                               "credentialsId: build",
                               "password is required",
                               "token_expires: 2025-11-24T06:15:00Z",
                               "kind: secret santa",
                               "//div[@id='main']",
                               "https://cdn.example.com/assets/index-3f2a1b4c.js:1:23456",
                               "curl -u $USER https://h.example"};
  for (const std::string& text : texts) {
    EXPECT_EQ(CleanedText("note", text), ToJson(Value(ValueObject{{"note", Value(text)}})));
  }
}

TEST(DetectorsTest, PlaceholdersAreNotFoundAgain) {
  std::map<std::string, std::vector<std::string>> positives = Positives();
  for (auto& [id, texts] : VendorPositives()) positives.emplace(id, std::move(texts));
  for (const auto& [id, texts] : positives) {
    for (const std::string& text : texts) {
      ValueObject once;
      once.emplace_back("note", Value("a " + text + " b"));
      CleanOutcome outcome;
      TestSieve().CleanEventProperties(&once, &outcome);
      for (const Finding& finding : outcome.findings)
        EXPECT_NE(finding.rule, "unsettled") << id << ": " << text;
      const ValueObject before = once;
      TestSieve().CleanEventProperties(&once, &outcome);
      EXPECT_EQ(ToJson(Value(once)), ToJson(Value(before))) << id;
    }
  }
}

}  // namespace
}  // namespace bulkhead
