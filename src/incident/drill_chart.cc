#include "incident/drill_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "incident/drill_history.h"
#include "incident/notice_page.h"

namespace bulkhead {
namespace {

constexpr double kFirstX = 12;
constexpr double kLastX = 640;  // what is right of it is for the last labels
constexpr double kRow = 22;
constexpr double kTitleHeight = 30;
constexpr double kBelowAxis = 52;
constexpr double kLetterWidth = 0.56;  // of its height, on average and rather more

double TextWidth(const DrillLane::Mark& mark) {
  return kLetterWidth * kChartLetter * static_cast<double>(mark.when.size() + mark.what.size() + 3);
}

// Labels lead right, so that a later mark's line may only reach rows below an earlier label: each
// label stands above all that begin before it ends.
int StackLabels(std::vector<DrillLane::Mark>* marks, std::vector<int>* rows) {
  rows->assign(marks->size(), 0);
  int highest = 0;
  for (size_t i = marks->size(); i-- > 0;) {
    const double end = (*marks)[i].x + TextWidth((*marks)[i]);
    for (size_t j = i + 1; j < marks->size() && (*marks)[j].x < end; ++j) {
      (*rows)[i] = std::max((*rows)[i], (*rows)[j] + 1);
    }
    highest = std::max(highest, (*rows)[i]);
  }
  return highest;
}

// Places the lane below `top`; returns where it ends.
double PlaceLane(double top, DrillLane* lane) {
  std::vector<int> rows;
  const int highest = StackLabels(&lane->marks, &rows);
  lane->title_y = top + kTitleHeight / 2 + kChartLetter / 2;
  lane->axis_y = top + kTitleHeight + kRow * (highest + 1) + 12;
  lane->first_x = kFirstX;
  lane->last_x = kLastX;
  for (size_t i = 0; i < rows.size(); ++i) {
    lane->marks[i].label_y = lane->axis_y - 16 - kRow * rows[i];
  }
  return lane->axis_y + kBelowAxis;
}

double AxisX(double share) { return kFirstX + share * (kLastX - kFirstX); }

// A span of 1, 2 or 5 times a power of ten, of which at most eight fit.
double TickSpan(double range) {
  const double power = std::pow(10, std::floor(std::log10(range / 8)));
  for (const double times : {1.0, 2.0, 5.0}) {
    if (times * power * 8 >= range) return times * power;
  }
  return 10 * power;
}

DrillLane ThenLane() {
  DrillLane lane;
  lane.title = "2025, in days";
  for (const DrillMoment& moment : HistoryOf2025()) {
    lane.marks.push_back({AxisX(static_cast<double>(moment.day) / kLastDayOfHistory), 0,
                          std::string(moment.date), std::string(moment.what)});
  }
  constexpr std::array<std::pair<int, const char*>, 6> kWeeks = {
      {{2, "10 Nov"}, {9, "17 Nov"}, {16, "24 Nov"}, {23, "1 Dec"}, {30, "8 Dec"}, {37, "15 Dec"}}};
  for (const auto& [day, text] : kWeeks) {
    lane.ticks.push_back({AxisX(static_cast<double>(day) / kLastDayOfHistory), text});
  }
  return lane;
}

// Time begins when the thief has the data.
DrillLane NowLane(const DrillReport& report) {
  DrillLane lane;
  lane.title = "With Bulkhead, this run, in seconds after the theft";
  double last = 0.001;
  for (const DrillStep& step : report.steps) {
    if (!step.mark.empty()) last = std::max(last, step.ended_s - report.stolen_s);
  }
  for (const DrillStep& step : report.steps) {
    if (step.mark.empty()) continue;
    const double at = std::max(0.0, step.ended_s - report.stolen_s);
    lane.marks.push_back({AxisX(at / last), 0, fmt::format("{:.1f} s", at), step.mark});
  }
  std::ranges::stable_sort(lane.marks, {}, &DrillLane::Mark::x);
  const double span = TickSpan(last);
  for (int i = 0; i * span <= last; ++i) {
    lane.ticks.push_back({AxisX(i * span / last), fmt::format("{:g} s", i * span)});
  }
  return lane;
}

std::string LaneSvg(const DrillLane& lane, const char* name) {
  std::string svg = fmt::format(R"(<g class="{}"><text class="lane" x="{}" y="{:.1f}">{}</text>)",
                                name, lane.first_x, lane.title_y, EscapeHtml(lane.title));
  svg += fmt::format(R"(<line class="axis" x1="{0}" y1="{2:.1f}" x2="{1}" y2="{2:.1f}"/>)",
                     lane.first_x, lane.last_x, lane.axis_y);
  for (const DrillLane::Tick& tick : lane.ticks) {
    svg +=
        fmt::format(R"(<line class="tick" x1="{0:.1f}" y1="{1:.1f}" x2="{0:.1f}" y2="{2:.1f}"/>)"
                    R"(<text class="tick" x="{0:.1f}" y="{3:.1f}">{4}</text>)",
                    tick.x, lane.axis_y, lane.axis_y + 6, lane.axis_y + 22, EscapeHtml(tick.text));
  }
  for (const DrillLane::Mark& mark : lane.marks) {
    svg +=
        fmt::format(R"(<line class="stem" x1="{0:.1f}" y1="{1:.1f}" x2="{0:.1f}" y2="{2:.1f}"/>)"
                    R"(<circle cx="{0:.1f}" cy="{1:.1f}" r="5"/>)"
                    R"(<text x="{3:.1f}" y="{4:.1f}"><tspan class="when">{5}</tspan> {6}</text>)",
                    mark.x, lane.axis_y, mark.label_y - kChartLetter + 2, mark.x + 6, mark.label_y,
                    EscapeHtml(mark.when), EscapeHtml(mark.what));
  }
  return svg + "</g>\n";
}

}  // namespace

DrillChart LayOutDrillChart(const DrillReport& report) {
  DrillChart chart;
  chart.then = ThenLane();
  chart.now = NowLane(report);
  chart.height = PlaceLane(PlaceLane(0, &chart.then), &chart.now);
  return chart;
}

std::string DrillChartSvg(const DrillChart& chart) {
  return fmt::format(
             R"(<svg viewBox="0 0 {0} {1:.0f}" role="img" aria-label="Timeline: 2025 in days, and )"
             R"(this run in seconds" font-size="{2}">)"
             "\n",
             kChartWidth, chart.height, kChartLetter) +
         LaneSvg(chart.then, "then") + LaneSvg(chart.now, "now") + "</svg>\n";
}

}  // namespace bulkhead
