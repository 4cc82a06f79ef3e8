// The chart of a drill's report: two lanes, the days of 2025 and the seconds of this run, each on
// an axis of its own. Where everything stands is laid out here once, for HTML and PDF. Pure.
#pragma once

#include <string>
#include <vector>

#include "incident/drill_report.h"

namespace bulkhead {

// Units are thousandths of the chart's width; y grows downwards.
struct DrillLane {
  struct Tick {
    double x = 0;
    std::string text;
  };
  // A point on the axis, and a label right of the line that leads up from it.
  struct Mark {
    double x = 0, label_y = 0;
    std::string when, what;
  };
  std::string title;
  double title_y = 0, axis_y = 0;
  double first_x = 0, last_x = 0;  // of the axis
  std::vector<Tick> ticks;
  std::vector<Mark> marks;
};

inline constexpr double kChartWidth = 1000;
inline constexpr double kChartLetter = 14;  // height of the labels' letters

struct DrillChart {
  DrillLane then, now;
  double height = 0;
};
DrillChart LayOutDrillChart(const DrillReport& report);

// As inline SVG, whose colours are those of the page's style.
std::string DrillChartSvg(const DrillChart& chart);

}  // namespace bulkhead
