// What the sieve does under a policy: rules by name, path and event, allow-list mode, and that
// nothing opens what it may not.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "sieve/coarsen.h"
#include "sieve/compiled_policy.h"
#include "sieve/policy_parser.h"
#include "sieve/policy_trial.h"
#include "sieve/sieve_fixture.h"

namespace bulkhead {
namespace {

std::shared_ptr<const CompiledPolicy> Compiled(const std::string& project_lines) {
  Result<Policy> policy = ParsePolicy("schema = 1\n[project.1]\n" + project_lines, "policy.toml");
  EXPECT_TRUE(policy) << policy.error().message;
  return std::make_shared<const CompiledPolicy>(*std::move(policy), 1, "");
}

ValueObject Properties() {
  ValueObject address;
  address.emplace_back("city", Value("Lyon"));
  address.emplace_back("note", Value("leave at jane@example.com"));
  address.emplace_back("password", Value("hunter2hunter2"));
  ValueObject item;
  item.emplace_back("sku", Value("A-1"));
  item.emplace_back("owner", Value("x"));
  ValueObject properties;
  properties.emplace_back("plan", Value("pro"));
  properties.emplace_back("seats", Value(123456.0));
  properties.emplace_back("trial", Value(true));
  properties.emplace_back("$email", Value("jane@example.com"));
  properties.emplace_back("$os", Value("Linux"));
  properties.emplace_back("address", Value(std::move(address)));
  ValueList items;
  items.emplace_back(std::move(item));
  items.emplace_back("loose");
  properties.emplace_back("items", Value(std::move(items)));
  return properties;
}

struct Cleaned {
  ValueObject properties;
  CleanOutcome outcome;
  [[nodiscard]] std::string At(std::string_view name) const {
    const Value* value = Find(properties, name);
    return value == nullptr ? "(gone)" : ToJson(*value);
  }
  [[nodiscard]] size_t Count(std::string_view rule) const {
    size_t count = 0;
    for (const Finding& finding : outcome.findings) count += finding.rule == rule ? 1 : 0;
    return count;
  }
};

Cleaned Clean(const CompiledPolicy& policy, std::string_view event = "signup",
              ValueObject properties = Properties()) {
  Cleaned cleaned{std::move(properties), {}};
  TestSieve().CleanEventProperties(&cleaned.properties, &cleaned.outcome,
                                   {&policy.Of(ProjectId{1}), event});
  return cleaned;
}

TEST(PolicySieveTest, WithoutRulesNothingDiffersFromTheDefaults) {
  ValueObject standard = Properties();
  CleanOutcome outcome;
  TestSieve().CleanEventProperties(&standard, &outcome);
  const Cleaned none = Clean(CompiledPolicy());
  EXPECT_EQ(ToJson(Value(none.properties)), ToJson(Value(standard)));
  // A rule about something else sends everything through the other path.
  const Cleaned other = Clean(*Compiled("rule = [{ property = \"x\", action = \"drop\" }]"));
  EXPECT_EQ(ToJson(Value(other.properties)), ToJson(Value(standard)));
  ASSERT_EQ(other.outcome.findings.size(), outcome.findings.size());
  EXPECT_EQ(other.outcome.sealed.size(), outcome.sealed.size());
}

TEST(PolicySieveTest, EveryAction) {
  const auto policy = Compiled(R"(rule = [
    { property = "plan", action = "token" },
    { property = "seats", action = "coarsen" },
    { property = "trial", action = "drop" },
    { path = "address.city", action = "seal" },
    { glob = "items[]*", action = "redact" },
    { property = "$os", action = "token+seal" } ])");
  const Cleaned cleaned = Clean(*policy);
  EXPECT_EQ(cleaned.At("plan").rfind("\"<value:", 0), 0u);
  EXPECT_EQ(cleaned.At("plan").size(), std::string("\"<value:>\"").size() + 32);
  EXPECT_EQ(cleaned.At("seats"), "120000");
  EXPECT_EQ(cleaned.At("trial"), "(gone)");
  EXPECT_NE(cleaned.At("address").find("\"city\":\"<value:sealed>\""), std::string::npos);
  EXPECT_NE(cleaned.At("items").find("\"sku\":\"<value:redacted>\""), std::string::npos);
  EXPECT_NE(cleaned.At("$os").find("<value:"), std::string::npos);
  EXPECT_EQ(cleaned.Count("policy"), 7u);
  bool sealed_city = false;
  for (const SealRequest& request : cleaned.outcome.sealed) {
    sealed_city |= request.field == "address.city" && request.value == "Lyon";
  }
  EXPECT_TRUE(sealed_city);
}

TEST(PolicySieveTest, RulesOfAnEventHoldForItAlone) {
  const auto policy =
      Compiled("rule = [{ property = \"plan\", event = \"sign*\", action = \"drop\" }]");
  EXPECT_EQ(Clean(*policy, "signup").At("plan"), "(gone)");
  EXPECT_EQ(Clean(*policy, "checkout").At("plan"), "\"pro\"");
  EXPECT_EQ(Clean(*policy, "sign").At("plan"), "(gone)");
}

TEST(PolicySieveTest, TheFirstRuleThatMatchesCounts) {
  const auto policy = Compiled(R"(rule = [
    { property = "plan", action = "keep" }, { glob = "*", action = "drop" } ])");
  const Cleaned cleaned = Clean(*policy);
  EXPECT_EQ(cleaned.At("plan"), "\"pro\"");
  EXPECT_EQ(cleaned.At("seats"), "(gone)");
}

TEST(PolicySieveTest, KeepDoesNotSilenceTheDetectors) {
  const std::string reason = "reason = \"support reads it\"";
  const auto kept =
      Compiled("rule = [{ property = \"$email\", action = \"keep\", " + reason + " }]");
  EXPECT_EQ(Clean(*kept).At("$email").rfind("\"<email:", 0), 0u);
  const auto plain = Compiled(
      "rule = [{ property = \"$email\", action = \"keep\", allow_plain = "
      "[\"email\"], " +
      reason + " }]");
  const Cleaned cleaned = Clean(*plain);
  EXPECT_EQ(cleaned.At("$email"), "\"jane@example.com\"");
  // Only there.
  EXPECT_EQ(cleaned.At("address").find("jane@example.com"), std::string::npos);
  for (const SealRequest& request : cleaned.outcome.sealed) EXPECT_NE(request.field, "$email");
}

TEST(PolicySieveTest, PlainValuesWithASecretBesideThemAreCleaned) {
  const auto policy = Compiled(
      "rule = [{ property = \"note\", action = \"keep\", allow_plain = "
      "[\"email\"], reason = \"tickets\" }]");
  ValueObject properties;
  properties.emplace_back("note",
                          Value("jane@example.com sent ghp_0123456789abcdefghijABCDEFGHIJ012345"));
  const Cleaned cleaned = Clean(*policy, "e", std::move(properties));
  EXPECT_EQ(cleaned.At("note").find("ghp_"), std::string::npos);
}

TEST(PolicySieveTest, NoGlobOpensASecretOrAPersonWithoutAReason) {
  const auto policy = Compiled("rule = [{ glob = \"*\", action = \"keep\" }]");
  const Cleaned cleaned = Clean(*policy);
  EXPECT_EQ(cleaned.At("$email"), "\"<email:sealed>\"");
  EXPECT_EQ(cleaned.At("address").find("hunter2"), std::string::npos);
  const auto with_reason =
      Compiled("rule = [{ glob = \"*\", action = \"keep\", reason = \"all of it\" }]");
  EXPECT_EQ(Clean(*with_reason).At("address").find("hunter2"), std::string::npos);
}

TEST(PolicySieveTest, AllowListDropsAndReportsWhatNothingNames) {
  const auto policy = Compiled("mode = \"allow-list\"\nallow = [\"pla?\"]");
  const Cleaned cleaned = Clean(*policy);
  EXPECT_EQ(ToJson(Value(cleaned.properties)),
            "{\"plan\":\"pro\",\"$email\":\"<email:sealed>\",\"$os\":\"Linux\"}");
  EXPECT_EQ(cleaned.Count(kUnknownPropertyRule), 4u);
  // What was dropped is not sealed either.
  for (const SealRequest& request : cleaned.outcome.sealed) EXPECT_EQ(request.field, "$email");
  const auto bare = Compiled("mode = \"allow-list\"\nallow_standard = false");
  EXPECT_EQ(ToJson(Value(Clean(*bare).properties)), "{}");
}

TEST(PolicySieveTest, AllowListFollowsPathsIntoWhatIsNotNamed) {
  const auto policy = Compiled(R"(mode = "allow-list"
allow_standard = false
rule = [ { path = "address.city", action = "keep" }, { path = "items[].sku", action = "token" } ])");
  const Cleaned cleaned = Clean(*policy);
  EXPECT_EQ(cleaned.At("address"), "{\"city\":\"Lyon\"}");
  EXPECT_EQ(cleaned.At("items").rfind("[{\"sku\":\"<value:", 0), 0u);
  EXPECT_EQ(cleaned.At("items").find("owner"), std::string::npos);
  EXPECT_EQ(cleaned.At("items").find("loose"), std::string::npos);
  EXPECT_TRUE(cleaned.outcome.sealed.empty());
  // Everything in what is named is known.
  const auto whole =
      Compiled("mode = \"allow-list\"\nallow_standard = false\nallow = [\"address\"]");
  EXPECT_NE(Clean(*whole).At("address").find("note"), std::string::npos);
}

TEST(PolicySieveTest, AHostileNameIsReportedClean) {
  const auto policy = Compiled("mode = \"allow-list\"");
  ValueObject properties;
  properties.emplace_back("jane@example.com", Value("x"));
  const Cleaned cleaned = Clean(*policy, "e", std::move(properties));
  EXPECT_TRUE(cleaned.properties.empty());
  for (const Finding& finding : cleaned.outcome.findings) {
    EXPECT_EQ(finding.path.find("jane"), std::string::npos);
  }
}

// Two places with one text, "a.b.sid": the decision of one must not be taken for the other's.
TEST(PolicySieveTest, NamesWithDotsAreNotMistakenForPaths) {
  const auto policy = Compiled("rule = [{ property = \"x\", action = \"drop\" }]");
  ValueObject dotted;
  dotted.emplace_back("b.sid", Value("plain-looking"));
  ValueObject inner;
  inner.emplace_back("sid", Value("s3cr3t-session"));
  ValueObject outer;
  outer.emplace_back("b", Value(std::move(inner)));
  ValueObject first;
  first.emplace_back("a", Value(std::move(dotted)));
  ValueObject second;
  second.emplace_back("a", Value(std::move(outer)));
  (void)Clean(*policy, "e", std::move(first));
  EXPECT_EQ(Clean(*policy, "e", std::move(second)).At("a").find("s3cr3t"), std::string::npos);
}

TEST(PolicySieveTest, TwoPoliciesOnOneThreadDoNotMix) {
  const auto drops = Compiled("rule = [{ property = \"plan\", action = \"drop\" }]");
  const auto keeps = Compiled("rule = [{ property = \"seats\", action = \"drop\" }]");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Clean(*drops).At("plan"), "(gone)");
    EXPECT_EQ(Clean(*keeps).At("plan"), "\"pro\"");
  }
}

TEST(PolicySieveTest, GroupIdsFollowTheRulesOfTheirKeyAndAreNeverUnknown) {
  const auto policy =
      Compiled("mode = \"allow-list\"\nrule = [{ property = \"company\", action = \"token\" }]");
  CleanOutcome outcome;
  std::string token = "acme";
  TestSieve().CleanString("company", &token, &outcome, {&policy->Of(ProjectId{1}), {}});
  EXPECT_EQ(token.rfind("<value:", 0), 0u);
  std::string other = "blue";
  TestSieve().CleanString("team", &other, &outcome, {&policy->Of(ProjectId{1}), {}});
  EXPECT_EQ(other, "blue");
}

TEST(CoarsenTest, EveryKind) {
  const auto coarse = [](Value value) {
    const bool known = CoarsenValue(&value);
    Value again = value;
    if (known) {
      EXPECT_TRUE(CoarsenValue(&again));
      EXPECT_EQ(again, value);
    }
    return known ? ToJson(value) : std::string("none");
  };
  EXPECT_EQ(coarse(Value(0.0)), "0");
  EXPECT_EQ(coarse(Value(-98765.0)), "-99000");
  EXPECT_EQ(coarse(Value(0.012345)), "0.012");
  EXPECT_EQ(coarse(Value("1234")), "\"1200\"");
  EXPECT_EQ(coarse(Value("2026-03-04T05:06:07Z")), "\"2026-03-04\"");
  EXPECT_EQ(coarse(Value("https://jane:pw@shop.example.org:8443/orders/1?x=1")),
            "\"https://shop.example.org:8443\"");
  EXPECT_EQ(coarse(Value("free text")), "none");
  EXPECT_EQ(coarse(Value("https://exa mple/")), "none");
  EXPECT_EQ(coarse(Value(true)), "true");
}

TEST(PolicyTrialTest, CountsDifferencesByPathInBothDirections) {
  const auto now = Compiled("rule = [{ property = \"plan\", action = \"drop\" }]");
  PolicyTrial trial(&TestSieve(),
                    Compiled("rule = [{ path = \"address.city\", action = \"seal\" }]"), 2);
  for (int i = 0; i < 4; ++i) {
    const bool wanted = trial.Wants();
    EXPECT_EQ(wanted, i % 2 == 0);
    ValueObject raw = Properties();
    const Cleaned cleaned = Clean(*now);
    if (wanted)
      trial.Compare({ProjectId{1}, "signup", false, std::move(raw)}, cleaned.outcome.findings);
  }
  const TrialResult result = trial.result();
  EXPECT_EQ(result.seen, 2u);
  EXPECT_EQ(result.changed, 2u);
  EXPECT_EQ(
      TrialJson(result),
      "{\"seen\":2,\"changed\":2,\"truncated\":false,\"differences\":["
      "{\"project\":1,\"path\":\"address.city\",\"before\":\"keep\",\"after\":\"seal\","
      "\"events\":2},"
      "{\"project\":1,\"path\":\"plan\",\"before\":\"drop\",\"after\":\"keep\",\"events\":2}]}");
}

}  // namespace
}  // namespace bulkhead
