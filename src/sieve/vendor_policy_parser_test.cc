#include <gtest/gtest.h>

#include "sieve/policy_parser.h"
#include "sieve/policy_text.h"

namespace bulkhead {
namespace {

constexpr const char* kWhole = R"(schema = 1
[vendor.acme]
type = "mixpanel"
project = 1
url = "http://127.0.0.1:8081"
allow_addresses = ["127.0.0.1"]
epoch_days = 30
keep_epoch_days = 400
time = "hour"
share = "2/3"
identities = ["$email"]
identity_purpose = "newsletter"
canaries = 50
canary_domain = "mail.example.net"
[[vendor.acme.event]]
name = "checkout_*"
plain = ["plan", "$os"]
coarse = ["amount"]
token = ["plan", "company"]
[vendor.acme.profile]
plain = ["seats"]
[vendor.lake]
type = "files"
project = 2
paused = true
)";

std::string Fault(std::string_view text) {
  const Result<Policy> policy = ParsePolicy(text, "p");
  return policy ? "" : policy.error().message;
}
std::string FaultOf(std::string_view lines) {
  return Fault("schema = 1\n[vendor.a]\ntype = \"webhook\"\nproject = 1\n" + std::string(lines));
}

TEST(VendorPolicyParserTest, ReadsWhatItWritesAgain) {
  const Result<Policy> policy = ParsePolicy(kWhole, "p");
  ASSERT_TRUE(policy) << policy.error().message;
  const VendorPolicy& acme = policy->vendors.at("acme");
  EXPECT_EQ(acme.type, VendorType::kMixpanel);
  EXPECT_EQ(acme.epoch_days, 30);
  EXPECT_EQ(acme.time, TimePrecision::kHour);
  EXPECT_EQ(acme.share, PeopleShare::Part(2, 3));
  EXPECT_EQ(acme.canaries, 50U);
  EXPECT_EQ(acme.canary_domain, "mail.example.net");
  EXPECT_EQ(policy->vendors.at("lake").canaries, 0U);
  ASSERT_EQ(acme.events.size(), 1U);
  // The stricter form of a property that stands twice counts: it comes first.
  EXPECT_EQ(acme.events[0].fields, (std::vector<VendorField>{{"company", FieldForm::kToken},
                                                             {"plan", FieldForm::kToken},
                                                             {"amount", FieldForm::kCoarse},
                                                             {"$os", FieldForm::kPlain},
                                                             {"plan", FieldForm::kPlain}}));
  EXPECT_TRUE(policy->vendors.at("lake").paused);
  EXPECT_EQ(policy->vendors.at("lake").time, TimePrecision::kDay);
  const Result<Policy> again = ParsePolicy(CanonicalPolicyText(*policy), "p");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *policy);
}

TEST(VendorPolicyParserTest, WhoSaysNoShareDividesThePeopleOfTheProject) {
  const auto vendor = [](const std::string& name, const std::string& more) {
    return "[vendor." + name + "]\ntype = \"files\"\n" + more;
  };
  const std::string text = "schema = 1\n" + vendor("acme", "project = 1\n") +
                           vendor("zenith", "project = 1\npaused = true\n") +
                           vendor("lake", "project = 1\nshare = \"all\"\n") +
                           vendor("half", "project = 1\nshare = \"1/2\"\n") +
                           vendor("whole", "project = 2\nshare = \"1/1\"\n") +
                           vendor("alone", "project = 2\n");
  const Result<Policy> policy = ParsePolicy(text, "p");
  ASSERT_TRUE(policy) << policy.error().message;
  const VendorPolicies& vendors = policy->vendors;
  EXPECT_EQ(vendors.at("acme").share, PeopleShare::Divided("acme", {"zenith"}));
  EXPECT_EQ(vendors.at("zenith").share, PeopleShare::Divided("zenith", {"acme"}));
  EXPECT_EQ(vendors.at("lake").share, PeopleShare::All());
  EXPECT_EQ(vendors.at("whole").share, PeopleShare::All());
  EXPECT_EQ(vendors.at("alone").share.parts(), 1U);
  const std::string canonical = CanonicalPolicyText(*policy);
  const Result<Policy> again = ParsePolicy(canonical, "p");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *policy);
  EXPECT_NE(canonical.find("share = \"all\""), std::string::npos);
}

TEST(VendorPolicyParserTest, CanariesHaveADomainWhereAddressesGo) {
  const std::string url = "url = \"https://x.example\"\n";
  const std::string identities = "identities = [\"$email\"]\nidentity_purpose = \"p\"\n";
  EXPECT_EQ(FaultOf(url + "canaries = 1000\n"), "");
  EXPECT_NE(FaultOf(url + "canaries = 1001\n"), "");
  EXPECT_NE(FaultOf(url + identities + "canaries = 1\n").find("vendor.a.canary_domain: missing"),
            std::string::npos);
  EXPECT_EQ(FaultOf(url + identities + "canaries = 1\ncanary_domain = \"a.example\"\n"), "");
  EXPECT_EQ(FaultOf(url + identities), "");
  for (const char* domain : {"localhost", "a..b", ".a.b", "a.b.", "A.example", "-a.b", "a_b.c"}) {
    EXPECT_NE(FaultOf(url + "canary_domain = \"" + domain + "\"\n").find("a domain expected"),
              std::string::npos)
        << domain;
  }
}

TEST(VendorPolicyParserTest, MistakesAreNamed) {
  EXPECT_EQ(Fault("schema = 1\n[vendor.a]\n"),
            "p:2: vendor.a.type: missing\np:2: vendor.a.project: missing: a project's number\n"
            "p:2: vendor.a.url: missing");
  EXPECT_NE(FaultOf("").find("vendor.a.url: missing"), std::string::npos);
  EXPECT_NE(FaultOf("url = \"http://x.example\"\n").find("https://HOST/PATH expected"),
            std::string::npos);
  EXPECT_EQ(FaultOf("url = \"https://x.example/hook\"\n"), "");
  EXPECT_NE(FaultOf("url = \"https://x.example\"\ncolour = 1\n").find("p:6: vendor.a.colour"),
            std::string::npos);
  EXPECT_NE(FaultOf("url = \"https://x.example\"\nidentities = [\"$email\"]\n")
                .find("identity_purpose: missing"),
            std::string::npos);
  EXPECT_NE(FaultOf("url = \"https://x.example\"\nidentity_purpose = \"why\"\n")
                .find("only beside identities"),
            std::string::npos);
  EXPECT_NE(FaultOf("url = \"https://x.example\"\n[[vendor.a.event]]\nplain = [\"x\"]\n")
                .find("vendor.a.event[0].name: missing"),
            std::string::npos);
  EXPECT_NE(FaultOf("url = \"https://x.example\"\nepoch_days = 0\n").find("from 1 to 366"),
            std::string::npos);
  for (const char* share :
       {"1", "1/", "/2", "0/2", "3/2", "1/101", "+1/2", "01/2", "1/2/3", "ALL", "none"}) {
    EXPECT_EQ(FaultOf("url = \"https://x.example\"\nshare = \"" + std::string(share) + "\"\n"),
              "p:2: vendor.a.share: all, or PART/PARTS expected, such as 1/2; 100 parts at most");
  }
  EXPECT_NE(Fault("schema = 1\n[vendor.\"a b\"]\ntype = \"files\"\nproject = 1\n")
                .find("a name expected"),
            std::string::npos);
  EXPECT_NE(
      Fault("schema = 1\n[vendor.a]\ntype = \"files\"\nproject = 1\nurl = \"https://x.example\"\n")
          .find("files have none"),
      std::string::npos);
}

}  // namespace
}  // namespace bulkhead
