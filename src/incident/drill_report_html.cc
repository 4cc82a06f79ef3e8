#include <fmt/format.h>

#include "incident/drill_chart.h"
#include "incident/drill_page.h"
#include "incident/notice_page.h"

namespace bulkhead {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --paper: #fbfbf9; --ink: #1d2327; --faint: #5c666d; --rule: #d9dcdc;
  --sheet: #ffffff; --then: #b4541a; --now: #0b6e69; --tint: #eaf4f3; --bad: #a3131f; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181b; --ink: #e6e9ea; --faint: #9aa5ab;
  --rule: #333b40; --sheet: #1b2125; --then: #f0a06a; --now: #63c7c0; --tint: #1c2e2f; --bad: #ff8c8c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 3rem 1.5rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; text-wrap: balance; }
h2 { font-size: 1.2rem; margin: 2.75rem 0 .6rem; }
p { margin: .5rem 0; max-width: 46rem; }
.subtitle, .note { color: var(--faint); }
.note { font-size: .875rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 1rem; margin: 2rem 0; }
.figure { background: var(--sheet); border: 1px solid var(--rule); border-top: 3px solid var(--now);
  border-radius: 4px; padding: 1rem 1.1rem; }
.figure b { display: block; font-size: 1.9rem; line-height: 1.15; color: var(--now); font-variant-numeric: tabular-nums; }
.figure span { font-size: .875rem; color: var(--faint); }
.figure.bad { border-top-color: var(--bad); } .figure.bad b { color: var(--bad); }
.chart { background: var(--sheet); border: 1px solid var(--rule); border-radius: 4px; padding: 1rem; overflow-x: auto; }
svg { display: block; width: 100%; min-width: 44rem; font-family: inherit; }
svg text { fill: var(--ink); } svg .lane { font-weight: 600; font-size: 16px; }
svg text.tick { fill: var(--faint); font-size: 12px; text-anchor: middle; }
svg .axis { stroke: var(--faint); stroke-width: 1.5; } svg line.tick { stroke: var(--faint); }
svg .when { font-weight: 600; }
svg .then .when, svg .then .lane { fill: var(--then); } svg .now .when, svg .now .lane { fill: var(--now); }
svg .then circle, svg .then .stem { fill: var(--then); stroke: var(--then); }
svg .now circle, svg .now .stem { fill: var(--now); stroke: var(--now); }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; line-height: 1.4; table-layout: fixed; min-width: 40rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem .6rem; border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
th { font-weight: 600; color: var(--faint); border-bottom: 2px solid var(--rule); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.lead { font-weight: 600; } td.emphasis { background: var(--tint); } th.emphasis { color: var(--now); }
ul { padding-left: 1.2rem; max-width: 46rem; } li { margin: .35rem 0; overflow-wrap: anywhere; }
@media print { :root { --paper: #fff; --ink: #000; --faint: #444; --rule: #bbb; --sheet: #fff; --then: #8a3b0c; --now: #075450;
    --tint: #eef5f4; --bad: #800; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; } .wide, .chart { overflow: visible; }
  h2, .figure, .chart, tr { break-inside: avoid; } h2 { break-after: avoid; } svg, table { min-width: 0; } }
)";

std::string Element(std::string_view name, std::string_view classes, std::string_view text) {
  const std::string named = classes.empty() ? "" : fmt::format(R"( class="{}")", classes);
  return fmt::format("<{0}{1}>{2}</{0}>", name, named, EscapeHtml(text));
}

std::string CellClass(const DrillTable& table, size_t column, bool head) {
  std::string classes = table.numbers[column] ? "number" : "";
  if (static_cast<int>(column) == table.emphasised)
    classes += classes.empty() ? "emphasis" : " emphasis";
  if (column == 0 && !head && !table.numbers[column]) classes += classes.empty() ? "lead" : " lead";
  return classes;
}

std::string TableHtml(const DrillTable& table) {
  std::string html = "<div class=\"wide\"><table>\n<colgroup>";
  for (const double width : table.widths) {
    html += fmt::format(R"(<col style="width:{:.0f}%">)", width * 100);
  }
  html += "</colgroup>\n<thead><tr>";
  for (size_t i = 0; i < table.head.size(); ++i) {
    html += Element("th", CellClass(table, i, true), table.head[i]);
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : table.rows) {
    html += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      html += Element("td", CellClass(table, i, false), row[i]);
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string SectionHtml(const DrillSection& section) {
  std::string html = "<section>\n" + Element("h2", "", section.heading) + "\n";
  for (const std::string& paragraph : section.paragraphs) {
    html += Element("p", "", paragraph) + "\n";
  }
  if (!section.table.head.empty() && !section.table.rows.empty()) html += TableHtml(section.table);
  if (!section.items.empty()) {
    html += "<ul>\n";
    for (const std::string& item : section.items) html += Element("li", "", item) + "\n";
    html += "</ul>\n";
  }
  return html + "</section>\n";
}

}  // namespace

std::string RenderDrillHtml(const DrillReport& report) {
  const DrillPage page = LayOutDrillPage(report);
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'\">\n";
  html += Element("title", "", page.title) + "\n<style>";
  html += kStyle;
  html += "</style>\n</head>\n<body>\n<main>\n" + Element("h1", "", page.title) + "\n";
  html += Element("p", "subtitle", page.subtitle) + "\n<div class=\"figures\">\n";
  for (const DrillFigure& figure : page.figures) {
    html += fmt::format("<div class=\"figure{}\">{}{}</div>\n", figure.good ? "" : " bad",
                        Element("b", "", figure.value), Element("span", "", figure.caption));
  }
  html += "</div>\n<div class=\"chart\">\n" + DrillChartSvg(LayOutDrillChart(report)) + "</div>\n";
  html += Element("p", "note", page.chart_note) + "\n";
  for (const DrillSection& section : page.sections) html += SectionHtml(section);
  return html + "</main>\n</body>\n</html>\n";
}

}  // namespace bulkhead
