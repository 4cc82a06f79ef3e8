#include "sieve/policy_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "sieve/policy_holder.h"
#include "sieve/policy_text.h"

namespace bulkhead {
namespace {

// Every key of the schema.
constexpr std::string_view kFull = R"(schema = 1
[everywhere]
mode = "allow-list"
allow = ["plan", "utm_*", "plan"]
allow_standard = false

[project.2]
small_count = 25
allow_query = ["variant", "plan"]

[[project.2.rule]]
property = "email"
event = "invite_*"
action = "keep"
class = "user.contact.email"
allow_plain = ["phone", "email"]
reason = "a ticket names it \"so\""

[[project.2.rule]]
path = "form.contact"
on = "profiles"
action = "token+seal"

[[project.2.rule]]
glob = "*_note"
action = "drop"

[project.2.consent]
opt_out_properties = ["$opt_out"]
opt_out = "without-person"
dnt = "drop"
gpc = "drop"

[project.2.retention]
days = 365
event = [{ name = "debug_*", days = 7 }]

[[project.2.alert]]
team = "web"
library = "web"
url = "https://alerts.example.org/hook?team=web"
secret = "web-hook"
only_secrets = true

[[project.2.alert]]
url = "http://127.0.0.1:9/x"
secret = "test"
allow_addresses = ["::1", "127.0.0.1"]
)";

std::string ErrorOf(std::string_view toml) {
  const Result<Policy> policy = ParsePolicy(toml, "policy.toml");
  return policy ? "none" : policy.error().message;
}

std::string RuleError(const std::string& lines) {
  return ErrorOf("schema = 1\n[[project.1.rule]]\n" + lines);
}

TEST(PolicyParserTest, ReadsEveryKey) {
  const Result<Policy> policy = ParsePolicy(kFull, "policy.toml");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_TRUE(policy->Of(ProjectId{7}).allow_list);
  EXPECT_EQ(policy->Of(ProjectId{7}).allow, (std::vector<std::string>{"plan", "utm_*"}));
  EXPECT_FALSE(policy->Of(ProjectId{7}).allow_standard);
  const ProjectPolicy& own = policy->Of(ProjectId{2});
  EXPECT_FALSE(own.allow_list);
  EXPECT_EQ(own.small_count, 25u);
  ASSERT_EQ(own.rules.size(), 3u);
  EXPECT_EQ(own.rules[0].event, "invite_*");
  EXPECT_EQ(own.rules[0].on, PolicyRule::On::kEvents);
  EXPECT_EQ(own.rules[0].reason, "a ticket names it \"so\"");
  EXPECT_EQ(own.rules[1].by, PolicyRule::By::kPath);
  EXPECT_EQ(own.rules[1].action, Action::kTokenAndSeal);
  EXPECT_EQ(own.rules[1].on, PolicyRule::On::kProfiles);
  EXPECT_EQ(own.consent.opt_out, ConsentAnswer::kWithoutPerson);
  EXPECT_EQ(own.consent.global_privacy_control, ConsentAnswer::kDrop);
  EXPECT_EQ(RetentionDays(own.retention, "debug_click"), 7);
  EXPECT_EQ(RetentionDays(own.retention, "click"), 365);
  ASSERT_EQ(own.alerts.size(), 2u);
  EXPECT_TRUE(own.alerts[0].only_secrets);
  EXPECT_EQ(own.alerts[1].library, "*");
}

TEST(PolicyParserTest, NoFileAndAnEmptyOneAreTheDefaults) {
  EXPECT_EQ(*ParsePolicy("schema = 1", "p"), Policy());
  EXPECT_EQ(Policy().Of(ProjectId{1}), ProjectPolicy());
}

TEST(PolicyParserTest, CanonicalTextReadsBackAndIsTheSameForEqualPolicies) {
  const LoadedPolicy first = LoadPolicy(kFull, "p").value();
  const LoadedPolicy again = LoadPolicy(first.canonical_text, "p").value();
  EXPECT_EQ(first.policy, again.policy);
  EXPECT_EQ(first.canonical_text, again.canonical_text);
  EXPECT_EQ(first.hash, again.hash);
  EXPECT_EQ(first.hash.size(), 64u);
  const LoadedPolicy spelled =
      LoadPolicy("# why\nschema=1\nproject={ 1={allow_query=['b','a'] , small_count=10} }", "p")
          .value();
  EXPECT_EQ(spelled.canonical_text, "schema = 1\n\n[project.1]\nallow_query = [\"a\", \"b\"]\n");
  EXPECT_NE(spelled.hash, first.hash);
}

TEST(PolicyParserTest, ErrorsNameLineAndKey) {
  EXPECT_EQ(RuleError("property = \"a\"\naction = \"hide\"\n"),
            "policy.toml:4: project.1.rule[0].action: one of keep, coarsen, token, seal, "
            "token+seal, redact, drop expected");
  EXPECT_EQ(RuleError("property = \"a\"\naction = \"drop\"\ncolour = 1\n"),
            "policy.toml:5: project.1.rule[0].colour: unknown key");
  EXPECT_EQ(ErrorOf("schema = 2"),
            "policy.toml:1: schema: 1 expected: this program knows no other");
  EXPECT_EQ(ErrorOf("\n[project.x]\n"),
            "policy.toml:1: schema: missing: schema = 1 expected\n"
            "policy.toml:2: project: the number of a project expected as its key");
  EXPECT_EQ(ErrorOf("schema = 1\n[project.1\n"), "policy.toml:2: this is no TOML from here on");
  EXPECT_EQ(ErrorOf("schema = 1\n[project.1]\nsmall_count = 0"),
            "policy.toml:3: project.1.small_count: a whole number from 1 to 1000000 expected");
  EXPECT_EQ(ErrorOf("schema = 1\n[project.1]\nmode = \"open\""),
            "policy.toml:3: project.1.mode: one of default, allow-list expected");
  EXPECT_EQ(ErrorOf("schema = 1\n[project.1.consent]\ndnt = true"),
            "policy.toml:3: project.1.consent.dnt: one of ignore, drop, without-person expected");
  EXPECT_EQ(RuleError("property = \"a\"\nglob = \"b\"\naction = \"drop\""),
            "policy.toml:2: project.1.rule[0]: exactly one of property, path and glob expected");
  EXPECT_NE(RuleError("property = \"a\"\naction = \"drop\"\nclass = \"user.shoe_size\"")
                .find("policy.toml:5: project.1.rule[0].class: a Fideslang data category expected"),
            std::string::npos);
}

TEST(PolicyParserTest, DefaultsAreWeakenedWithAReasonOnlyAndSecretsNever) {
  EXPECT_EQ(RuleError("property = \"$email\"\naction = \"keep\""),
            "policy.toml:2: project.1.rule[0].reason: missing: this rule keeps more than the "
            "default does, and must say why");
  EXPECT_EQ(RuleError("property = \"$email\"\naction = \"keep\"\nreason = \"support asks\""),
            "none");
  EXPECT_EQ(RuleError("path = \"form.billing_email\"\naction = \"token\""),
            "policy.toml:2: project.1.rule[0].reason: missing: this rule keeps more than the "
            "default does, and must say why");
  EXPECT_EQ(RuleError("property = \"user_agent\"\naction = \"keep\""),
            "policy.toml:2: project.1.rule[0].reason: missing: this rule keeps more than the "
            "default does, and must say why");
  EXPECT_EQ(RuleError("property = \"$email\"\naction = \"drop\""), "none");
  EXPECT_EQ(RuleError("property = \"plan\"\naction = \"keep\""), "none");
  EXPECT_EQ(RuleError("property = \"plan\"\naction = \"keep\"\nallow_plain = [\"email\"]"),
            "policy.toml:2: project.1.rule[0].reason: missing: this rule keeps more than the "
            "default does, and must say why");
  for (const char* action : {"keep", "token", "seal", "token+seal", "coarsen"}) {
    EXPECT_EQ(RuleError("property = \"password\"\nreason = \"no\"\naction = \"" +
                        std::string(action) + "\""),
              "policy.toml:2: project.1.rule[0].action: this name is a secret's: only redact and "
              "drop");
  }
  for (const char* kind : {"jwt", "card", "secret", "nonsense"}) {
    EXPECT_NE(
        RuleError("property = \"plan\"\naction = \"keep\"\nreason = \"no\"\nallow_plain = [\"" +
                  std::string(kind) + "\"]")
            .find("secrets are never plain"),
        std::string::npos)
        << kind;
  }
}

TEST(PolicyParserTest, LimitsAreEnforced) {
  EXPECT_NE(ErrorOf(std::string(kMaxPolicyBytes + 1, '#')), "none");
  std::string rules = "schema = 1\n";
  for (int i = 0; i <= 1000; ++i) {
    rules += "[[project.1.rule]]\nproperty = \"p" + std::to_string(i) + "\"\naction = \"drop\"\n";
  }
  EXPECT_EQ(ErrorOf(rules), "policy.toml:2: project.1.rule: more than 1000 entries");
  EXPECT_NE(RuleError("property = \"" + std::string(513, 'a') + "\"\naction = \"drop\"")
                .find("longer than 512 bytes"),
            std::string::npos);
  // At most twenty mistakes are told.
  std::string many = "schema = 1\n";
  for (int i = 0; i < 100; ++i) many += "k" + std::to_string(i) + " = 1\n";
  const std::string errors = ErrorOf(many);
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 19);
}

TEST(PolicyParserTest, WebhooksAreHttpsUnlessAnAddressIsNamed) {
  const auto alert = [](const std::string& lines) {
    return ErrorOf("schema = 1\n[[project.1.alert]]\nsecret = \"s\"\n" + lines);
  };
  EXPECT_EQ(alert("url = \"https://a.example/x\""), "none");
  EXPECT_NE(alert("url = \"http://a.example/x\""), "none");
  EXPECT_EQ(alert("url = \"http://127.0.0.1/x\"\nallow_addresses = [\"127.0.0.1\"]"), "none");
  EXPECT_NE(alert("url = \"https://user@a.example/x\""), "none");
  EXPECT_NE(alert("url = \"https://a.example/x#y\""), "none");
  EXPECT_NE(alert("url = \"ftp://a.example/x\""), "none");
  EXPECT_NE(alert("url = \"https:///x\""), "none");
  EXPECT_NE(alert("url = \"https://a.example/\"\nallow_addresses = [\"localhost\"]"), "none");
  EXPECT_NE(ErrorOf("schema = 1\n[[project.1.alert]]\nurl = \"https://a.example/\"\n"
                    "secret = \"../../keys/root\""),
            "none");
}

}  // namespace
}  // namespace bulkhead
