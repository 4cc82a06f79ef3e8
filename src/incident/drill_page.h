// A drill's report as figures, headings, paragraphs and tables: what its renderings share. Inside
// incident/. Pure.
#pragma once

#include <string>
#include <vector>

#include "incident/drill_report.h"

namespace bulkhead {

struct DrillTable {
  std::vector<std::string> head;  // empty: no table
  std::vector<double> widths;     // shares of the page's width, one for each column
  std::vector<bool> numbers;      // columns that are set flush right
  std::vector<std::vector<std::string>> rows;
  int emphasised = -1;  // a column
};

struct DrillSection {
  std::string heading;
  std::vector<std::string> paragraphs;  // before the table
  DrillTable table;
  std::vector<std::string> items;  // after it, as a list
};

struct DrillFigure {
  std::string value, caption;
  bool good = true;  // false: it is not what it should be
};

struct DrillPage {
  std::string title, subtitle;
  std::vector<DrillFigure> figures;
  std::string chart_note;
  std::vector<DrillSection> sections;
};
DrillPage LayOutDrillPage(const DrillReport& report);

// Of everything that was searched for.
uint64_t SumOf(const std::vector<DrillSearch>& searches, uint64_t DrillSearch::*count);
// "4,312".
std::string GroupedNumber(uint64_t number);
// "340 ms", "4.2 s", "1 min 12 s".
std::string DurationText(double seconds);

}  // namespace bulkhead
