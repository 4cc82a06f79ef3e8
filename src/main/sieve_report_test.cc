#include "main/sieve_report.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

void Count(SieveCounters* counters, uint32_t project, const std::string& path) {
  counters->Add({{"jwt", path, Action::kRedact}}, {ProjectId{project}, "web", 1'700'000'000'000});
}

TEST(SieveReport, EachProjectHasItsOwn) {
  SieveCounters counters;
  Count(&counters, 1, "form.token");
  Count(&counters, 1, "form.token");
  Count(&counters, 22, "other \"secret\"");
  counters.AddUnknown(
      std::vector<Finding>{{std::string(kUnknownPropertyRule), "hue", Action::kDrop}}, "Opened",
      {ProjectId{1}, "web", 1'700'000'000'000});
  const std::string reports = SieveReports(counters, nullptr, 1 << 20);
  EXPECT_EQ(SieveReportOf(reports, ProjectId{1}).value(),
            R"({"refused":[{"rule":"jwt","path":"form.token","library":"web","action":"redact",)"
            R"("count":2,"first_seen":1700000000,"last_seen":1700000000,"hours":[2]}],)"
            R"("unknown":[{"event":"Opened","property":"hue","count":1,"first_seen":1700000000,)"
            R"("last_seen":1700000000}]})");
  const std::string second = SieveReportOf(reports, ProjectId{22}).value();
  EXPECT_NE(second.find(R"(other \"secret\")"), std::string::npos);
  EXPECT_EQ(second.find("form"), std::string::npos);
  EXPECT_EQ(SieveReportOf(reports, ProjectId{2}).value(), R"({"refused":[],"unknown":[]})");
}

TEST(SieveReport, IsBoundedAndSaysWhatItLeftOut) {
  SieveCounters counters;
  for (int i = 0; i < 1000; ++i) Count(&counters, 1, "path " + std::to_string(i));
  const std::string reports = SieveReports(counters, nullptr, 20'000);
  EXPECT_LE(reports.size(), 20'000U);
  EXPECT_NE(SieveReportOf(reports, ProjectId{1}).value().find(R"("truncated":true)"),
            std::string::npos);
}

TEST(SieveReport, BeforeIntakeHasSaidAnythingThereIsNothing) {
  EXPECT_EQ(SieveReportOf("", ProjectId{1}).value(), R"({"refused":[],"unknown":[]})");
  EXPECT_FALSE(SieveReportOf("{\"1\":{", ProjectId{1}));
}

}  // namespace
}  // namespace bulkhead
