#include "incident/drill_report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "crypto/crypto.h"
#include "incident/drill_chart.h"
#include "incident/drill_page.h"
#include "incident/incident_versions_fixture.h"
#include "incident/pdf_pages.h"

namespace bulkhead {
namespace {

DrillReport SampleReport() {
  DrillReport report;
  report.made_ms = 1'764'000'000'000;
  report.people = 12;
  report.events = 4312;
  report.processors = 2;
  report.policy = "schema = 1\n";
  report.steps = {{"traffic", "4,312 events", "", 0, 2},
                  {"theft", "all of it", "all data stolen", 2, 3},
                  {"mail", "3 mails", "mail to canaries", 3, 3.1},
                  {"exposure", "7 subjects", "exposure known", 3.1, 3.4},
                  {"drafts", "5", "drafts written", 3.4, 4.1}};
  report.stolen_s = 3;
  report.mailed_s = 3.05;
  report.searches = {{"e-mail addresses", 40, 0, 3}, {"full names", 12, 0, 3}};
  report.seen = {"hosted", 1};
  report.incident = FullVersion();
  report.counts = {{"everything", 7, 70, 7, 70}};
  report.kill = {0.1, 20, 0, 2, 7, 0};
  return report;
}

TEST(DrillReportTest, WhatComesFromTheDataIsEscaped) {
  const std::string needle = "<script>alert('x')</script>\"&";
  DrillReport report = SampleReport();
  report.seen.vendor = needle;
  report.incident.window.vendor = needle;
  report.incident.exposure.fields[0].exposed.field.name = needle;
  report.incident.exposure.residence.countries[needle] = 3;
  report.steps[1] = {needle, needle, needle, 2, 3};
  report.searches[0].what = needle;
  report.counts[0].what = needle;
  Obligation& duty = report.duties.emplace_back();
  duty.state = ObligationState::kDue;
  duty.regime = duty.article = duty.who = duty.whom = needle;
  Notice& notice = report.notices.emplace_back();
  notice.subject = needle;
  notice.unknown = {needle};
  const std::string html = RenderDrillHtml(report);
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("alert('x')"), std::string::npos);
  EXPECT_NE(html.find("&lt;script&gt;"), std::string::npos);
  EXPECT_EQ(html.find("http:"), std::string::npos);
  EXPECT_EQ(html.find("https:"), std::string::npos);
  EXPECT_EQ(html.find("src="), std::string::npos);
  EXPECT_TRUE(RenderDrillPdf(report));
}

TEST(DrillReportTest, NothingAtAllCanBeRendered) {
  const DrillReport report;
  EXPECT_NE(RenderDrillHtml(report).find("</html>"), std::string::npos);
  const Result<std::string> pdf = RenderDrillPdf(report);
  ASSERT_TRUE(pdf);
  EXPECT_TRUE(pdf->starts_with("%PDF-"));
  EXPECT_NE(pdf->find("%%EOF"), std::string::npos);
  EXPECT_TRUE(report.IsLedgerShort());  // nothing was counted: nothing is shown
}

TEST(DrillReportTest, WordsOfAnyLengthGoOverLinesAndPages) {
  DrillReport report = SampleReport();
  report.steps[0].result = std::string(20'000, 'w');
  report.steps[1].mark = std::string(400, 'm');
  report.counts[0].what = "\xE2\x82\xAC\xFF\xF0\x9F\x98\x80 \x01";
  EXPECT_NE(RenderDrillHtml(report).find(report.steps[0].result), std::string::npos);
  const Result<std::string> pdf = RenderDrillPdf(report);
  ASSERT_TRUE(pdf);
  EXPECT_TRUE(pdf->starts_with("%PDF-"));
}

TEST(DrillReportTest, SaysWhereItFailed) {
  DrillReport report = SampleReport();
  EXPECT_NE(RenderDrillHtml(report).find("equals what the ledger said"), std::string::npos);
  report.counts.push_back({"plan", 6, 60, 7, 60});
  EXPECT_TRUE(report.IsLedgerShort());
  EXPECT_FALSE(report.IsLedgerEqual());
  std::string html = RenderDrillHtml(report);
  EXPECT_NE(html.find("THE LEDGER TOLD OF LESS"), std::string::npos);
  EXPECT_NE(html.find("figure bad"), std::string::npos);
  report.counts.back() = {"plan", 8, 60, 7, 60};
  EXPECT_FALSE(report.IsLedgerShort());
  EXPECT_NE(RenderDrillHtml(report).find("of more in some rows"), std::string::npos);
  report.searches[1].in_stolen = 1;
  EXPECT_NE(RenderDrillHtml(report).find("figure bad"), std::string::npos);
}

TEST(DrillReportTest, JsonHasTheNumbers) {
  const std::string json = DrillReportJson(SampleReport());
  EXPECT_NE(json.find(R"("events":4312)"), std::string::npos);
  EXPECT_NE(json.find(R"("ledger_equal":true,"ledger_short":false)"), std::string::npos);
  EXPECT_NE(json.find(R"({"what":"e-mail addresses","in_traffic":40,"in_stolen":0,"canaries":3})"),
            std::string::npos);
}

TEST(DrillReportTest, NumbersAndTimesAreReadable) {
  EXPECT_EQ(GroupedNumber(0), "0");
  EXPECT_EQ(GroupedNumber(999), "999");
  EXPECT_EQ(GroupedNumber(1'234'567), "1,234,567");
  EXPECT_EQ(DurationText(0.0123), "12 ms");
  EXPECT_EQ(DurationText(0.9999), "1.0 s");
  EXPECT_EQ(DurationText(119.9), "119.9 s");
  EXPECT_EQ(DurationText(130), "2 min 10 s");
}

// No label on another one, and no line through a label, wherever the marks are.
TEST(DrillChartTest, LabelsDoNotCross) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    DrillReport report;
    const double spread = std::uniform_real_distribution<double>(0.1, 60)(random);
    for (int i = 0; i < 10; ++i) {
      const double at = std::uniform_real_distribution<double>(0, spread)(random);
      report.steps.push_back({"", "", std::string(5 + random() % 30, 'x'), at, at});
    }
    const DrillChart chart = LayOutDrillChart(report);
    for (const DrillLane* lane : {&chart.then, &chart.now}) {
      for (const DrillLane::Mark& one : lane->marks) {
        const double end =
            one.x + 6 + kChartLetter * 0.5 * static_cast<double>(one.when.size() + one.what.size());
        EXPECT_LT(one.label_y, lane->axis_y);
        EXPECT_GT(one.label_y, lane->title_y);
        for (const DrillLane::Mark& other : lane->marks) {
          if (&other == &one || other.x < one.x || other.x > end) continue;
          EXPECT_TRUE(other.x == one.x || other.label_y > one.label_y) << one.x << " " << other.x;
          EXPECT_NE(other.label_y, one.label_y);
        }
      }
    }
  }
}

TEST(PdfPagesTest, ShowsWhatTheFontsHave) {
  EXPECT_EQ(PdfText("a\xC3\xA9\n\t"), "a\xE9  ");
  EXPECT_EQ(PdfText("\xE2\x80\x94\xE2\x80\xA6"), "\x97\x85");
  EXPECT_EQ(PdfText("\xE6\x97\xA5\xF0\x9F\x98\x80"), "??");
  EXPECT_EQ(PdfText("\xFF\xC3"), "??");
  EXPECT_EQ(PdfText(std::string_view("\0(", 2)), " (");
}

TEST(PdfPagesTest, LinesAreNoWiderThanAsked) {
  const auto pages = PdfPages::Create("x");
  ASSERT_TRUE(pages);
  const PdfStyle style;
  const std::string text = "one two " + std::string(300, 'W') + " three";
  std::string joined;
  for (const std::string& line : (*pages)->Wrap(text, style, 100)) {
    EXPECT_LE((*pages)->WidthOf(line, style), 100);
    EXPECT_FALSE(line.empty());
    joined += line;
  }
  EXPECT_EQ(std::ranges::count(joined, 'W'), 300);
  EXPECT_EQ((*pages)->Wrap("", style, 100).size(), 1U);
  EXPECT_EQ((*pages)->Wrap("WW", style, 1).size(), 2U);  // a letter a line at the least
}

TEST(PdfPagesTest, WhatDoesNotFitGoesToTheNextPage) {
  const auto pages = PdfPages::Create("x");
  ASSERT_TRUE(pages);
  (*pages)->Skip(600);
  const float before = (*pages)->y();
  (*pages)->Need(10);
  EXPECT_EQ((*pages)->y(), before);
  (*pages)->Need(200);
  EXPECT_EQ((*pages)->y(), PdfPages::kMargin);
  (*pages)->Need(5000);  // more than any page has
  EXPECT_EQ((*pages)->y(), PdfPages::kMargin);
  const Result<std::string> bytes = (*pages)->Finish();
  ASSERT_TRUE(bytes);
  EXPECT_TRUE(bytes->starts_with("%PDF-"));
}

}  // namespace
}  // namespace bulkhead
