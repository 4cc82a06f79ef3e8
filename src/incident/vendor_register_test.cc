#include "incident/vendor_register.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kNow = 20'454 * kDayMs;  // 2026-01-01

constexpr const char* kWhole = R"(schema = 1
[vendor.acme]
contract = "MSA 2024-117"
signed = 2024-03-01
ends = 2027-02-28
terms = "annex II of the contract"
fields = ["plan", "$os*"]
promised_hours = 48
contacts = ["security@acme.example"]
sub_processors = ["Hosting Ltd., IE", "Mail Inc., US"]
review_days = 180
exit_drill = 2025-12-01
disclosure_record = "acme-2025.toml"
[[vendor.acme.review]]
date = 2025-11-01
by = "security"
outcome = "accepted"
[[vendor.acme.review]]
date = 2024-11-01
by = "security"
outcome = "accepted with conditions"
[[vendor.acme.answer]]
question = "Is data encrypted at rest?"
answer = "yes"
date = 2025-10-30
)";

std::string Fault(std::string_view text) {
  const Result<VendorRegister> vendors = ParseVendorRegister(text, "v");
  return vendors ? "" : vendors.error().message;
}

RegisteredVendor Acme() { return ParseVendorRegister(kWhole, "v")->at("acme"); }

using Findings = std::vector<std::string>;

TEST(VendorRegisterTest, ReadsAll) {
  const RegisteredVendor acme = Acme();
  EXPECT_EQ(acme.contract, "MSA 2024-117");
  EXPECT_EQ(acme.allowed_fields, (std::vector<std::string>{"$os*", "plan"}));
  EXPECT_EQ(acme.promised_hours, 48);
  EXPECT_EQ(acme.sub_processors.size(), 2U);
  EXPECT_EQ(acme.exit_drill_days, 365);
  ASSERT_EQ(acme.reviews.size(), 2U);
  EXPECT_EQ(acme.reviews.back().outcome, "accepted");  // the newest last, whatever the file's order
  ASSERT_EQ(acme.answers.size(), 1U);
  EXPECT_EQ(acme.answers[0].answer, "yes");
}

TEST(VendorRegisterTest, MistakesAreNamed) {
  EXPECT_EQ(Fault("schema = 1\n"), "");
  EXPECT_NE(Fault("schema = 2\n").find("v:1: schema"), std::string::npos);
  EXPECT_EQ(Fault("schema = 1\n[vendor.a]\ncolour = 1\n").substr(0, 20), "v:3: vendor.a.colour");
  EXPECT_EQ(Fault("schema = 1\n[vendor.a]\nsigned = 2025-01-02\nends = 2025-01-01\n"),
            "v:2: vendor.a.ends: before it was signed");
  EXPECT_EQ(Fault("schema = 1\n[[vendor.a.review]]\nby = \"x\"\noutcome = \"y\"\n"),
            "v:2: vendor.a.review[0].date: missing");
  EXPECT_NE(Fault("schema = 1\n[vendor.a]\npromised_hours = -1\n").find("promised_hours"),
            std::string::npos);
  EXPECT_NE(Fault("schema = 1\n[vendor]\na = 1\n").find("a table expected"), std::string::npos);
  EXPECT_NE(Fault("schema = 1\n[vendor.\"a b\"]\n").find("a name expected"), std::string::npos);
}

TEST(VendorRegisterTest, WhereAllSidesAgreeNothingIsFound) {
  const RegisteredVendor acme = Acme();
  const VendorPolicy policy;
  const MeasuredVendor measured{
      {"event name", "time", "plan", "$os_version"}, kNow - 89 * kDayMs, false, 7};
  EXPECT_EQ(RegisterFindings({&acme, &policy, &measured}, kNow), Findings{});
}

TEST(VendorRegisterTest, EachDifferenceIsFound) {
  RegisteredVendor acme = Acme();
  acme.ends_on = std::chrono::sys_days(std::chrono::days(20'000));
  acme.review_days = 60;
  acme.exit_drill.reset();
  acme.promised_hours.reset();
  const VendorPolicy policy;
  const MeasuredVendor measured{{"town", "plan"}, kNow - 91 * kDayMs, false, 7};
  EXPECT_EQ(RegisterFindings({&acme, &policy, &measured}, kNow),
            (Findings{"the contract ended on 2024-10-04",
                      "the last review was 61 days ago, one is due after 60",
                      "leaving it was never tried out",
                      "it promises no time within which it tells of an incident",
                      "\"town\" was sent and is not in its terms",
                      "its epoch is 91 days old, and the policy says 90"}));
}

TEST(VendorRegisterTest, WhoCanBeJoinedIsNamed) {
  const VendorPolicy policy;
  MeasuredVendor measured;
  measured.common = {{"lake", 12}, {"zenith", 3}, {"never", 0}};
  const std::vector<std::string> findings =
      RegisterFindings({nullptr, &policy, &measured, {"lake", "new"}}, kNow);
  EXPECT_EQ(findings, (std::vector<std::string>{
                          "the register does not know it",
                          "gets people that lake gets too: what they do joins the two; 12 "
                          "subjects are in the ledger of both",
                          "gets people that new gets too: what they do joins the two; 0 subjects "
                          "are in the ledger of both",
                          "3 of its subjects were sent to zenith too"}));
}

TEST(VendorRegisterTest, ASideThatDoesNotKnowItIsNamed) {
  const RegisteredVendor acme = Acme();
  const VendorPolicy policy;
  const MeasuredVendor sent{{}, 0, false, 7};
  EXPECT_EQ(RegisterFindings({nullptr, &policy, &sent}, kNow),
            (Findings{"the register does not know it"}));
  EXPECT_EQ(RegisterFindings({&acme, nullptr, nullptr}, kNow),
            (Findings{"the policy in force does not name it"}));
  EXPECT_EQ(RegisterFindings({&acme, nullptr, &sent}, kNow),
            (Findings{"the policy in force does not name it; it has what it was sent"}));
}

}  // namespace
}  // namespace bulkhead
