#include <algorithm>

#include "incident/drill_chart.h"
#include "incident/drill_page.h"
#include "incident/pdf_pages.h"

namespace bulkhead {
namespace {

constexpr PdfColour kInk = {0.11F, 0.14F, 0.15F};
constexpr PdfColour kFaint = {0.36F, 0.4F, 0.43F};
constexpr PdfColour kRule = {0.82F, 0.84F, 0.84F};
constexpr PdfColour kThen = {0.71F, 0.33F, 0.1F};
constexpr PdfColour kNow = {0.04F, 0.43F, 0.41F};
constexpr PdfColour kTint = {0.92F, 0.957F, 0.953F};
constexpr PdfColour kBad = {0.64F, 0.07F, 0.12F};

constexpr PdfStyle kTitle = {20, true, kInk};
constexpr PdfStyle kSubtitle = {9.5F, false, kFaint};
constexpr PdfStyle kHeading = {12.5F, true, kInk};
constexpr PdfStyle kBody = {9, false, kInk};
constexpr PdfStyle kNote = {8, false, kFaint};
constexpr PdfStyle kHead = {8, true, kFaint};
constexpr PdfStyle kCell = {8, false, kInk};
constexpr PdfStyle kLeadCell = {8, true, kInk};
constexpr float kCellPad = 4;
constexpr float kCellLine = 10.4F;

using Cells = std::vector<std::vector<std::string>>;  // the lines of each

class TableSetter {
 public:
  TableSetter(PdfPages* pages, const DrillTable& table) : pages_(*pages), table_(table) {}

  void Set() {
    const Cells head = Wrapped(table_.head, true);
    SetHead(head);
    for (const std::vector<std::string>& row : table_.rows) {
      const Cells cells = Wrapped(row, false);
      if (Taller(cells)) SetHead(head);
      SetRow(cells, false);
    }
  }

 private:
  [[nodiscard]] float WidthOf(size_t column) const {
    return static_cast<float>(table_.widths[column]) * PdfPages::kTextWidth;
  }
  [[nodiscard]] const PdfStyle& StyleOf(size_t column, bool head) const {
    if (head) return kHead;
    return column == 0 && !table_.numbers[0] ? kLeadCell : kCell;
  }
  [[nodiscard]] Cells Wrapped(const std::vector<std::string>& row, bool head) const {
    Cells cells;
    for (size_t i = 0; i < row.size(); ++i) {
      cells.push_back(pages_.Wrap(row[i], StyleOf(i, head), WidthOf(i) - 2 * kCellPad));
    }
    return cells;
  }
  static float HeightOf(const Cells& cells) {
    size_t lines = 1;
    for (const auto& cell : cells) lines = std::max(lines, cell.size());
    return static_cast<float>(lines) * kCellLine + 2 * kCellPad;
  }
  // Whether the row had to go to another page, where the head stands once more.
  bool Taller(const Cells& cells) {
    const float before = pages_.y();
    pages_.Need(HeightOf(cells));
    return pages_.y() < before;
  }
  void SetHead(const Cells& head) {
    pages_.Need(HeightOf(head) + 3 * kCellLine);
    SetRow(head, true);
  }

  // A row that is longer than a page goes on on the next one.
  void SetRow(const Cells& cells, bool head) {
    size_t lines = 1;
    for (const auto& cell : cells) lines = std::max(lines, cell.size());
    for (size_t line = 0; line < lines;) {
      pages_.Need(kCellLine + 2 * kCellPad);
      const float room = PdfPages::kHeight - PdfPages::kMargin - 30 - pages_.y() - 2 * kCellPad;
      const size_t fit = std::max<size_t>(1, static_cast<size_t>(room / kCellLine));
      const size_t until = std::min(lines, line + fit);
      SetLines(cells, {line, until}, head);
      line = until;
    }
    pages_.Line({PdfPages::kMargin, pages_.y()},
                {PdfPages::kMargin + PdfPages::kTextWidth, pages_.y()}, head ? 1.0F : 0.5F, kRule);
  }

  void SetLines(const Cells& cells, std::pair<size_t, size_t> range, bool head) {
    const float height = static_cast<float>(range.second - range.first) * kCellLine + 2 * kCellPad;
    float x = PdfPages::kMargin;
    for (size_t i = 0; i < cells.size(); ++i) {
      if (static_cast<int>(i) == table_.emphasised && !head) {
        pages_.Box({x, pages_.y()}, {WidthOf(i), height}, kTint);
      }
      for (size_t line = range.first; line < std::min(range.second, cells[i].size()); ++line) {
        const PdfStyle& style = StyleOf(i, head);
        const float shift = table_.numbers[i]
                                ? WidthOf(i) - 2 * kCellPad - pages_.WidthOf(cells[i][line], style)
                                : 0;
        pages_.TextAt(
            x + kCellPad + shift,
            pages_.y() + kCellPad + 8 + static_cast<float>(line - range.first) * kCellLine,
            cells[i][line], style);
      }
      x += WidthOf(i);
    }
    pages_.Skip(height);
  }

  PdfPages& pages_;
  const DrillTable& table_;
};

void SetFigures(const std::vector<DrillFigure>& figures, PdfPages* pages) {
  constexpr float kGap = 8;
  const auto count = static_cast<float>(figures.size());
  const float width = (PdfPages::kTextWidth - (count - 1) * kGap) / count;
  size_t lines = 0;
  for (const DrillFigure& figure : figures) {
    lines = std::max(lines, pages->Wrap(figure.caption, kNote, width - 12).size());
  }
  const float height = 40 + static_cast<float>(lines) * 10.4F;
  pages->Need(height);
  const float top = pages->y();
  float x = PdfPages::kMargin;
  for (const DrillFigure& figure : figures) {
    const PdfColour& colour = figure.good ? kNow : kBad;
    pages->Box({x, top}, {width, height}, {0.97F, 0.975F, 0.975F});
    pages->Box({x, top}, {width, 2.5F}, colour);
    pages->TextAt(x + 6, top + 26, PdfText(figure.value), {18, true, colour});
    float y = top + 40;
    for (const std::string& line : pages->Wrap(figure.caption, kNote, width - 12)) {
      pages->TextAt(x + 6, y, line, kNote);
      y += 10.4F;
    }
    x += width + kGap;
  }
  pages->Skip(height + 14);
}

// Of the chart's units on the page.
class ChartSetter {
 public:
  ChartSetter(PdfPages* pages, float top) : pages_(*pages), top_(top) {}
  static constexpr float kScale = PdfPages::kTextWidth / static_cast<float>(kChartWidth);

  void Set(const DrillLane& lane, const PdfColour& colour) {
    const PdfStyle title = {9, true, colour};
    pages_.TextAt(At(lane.first_x, 0).x, At(0, lane.title_y).y, PdfText(lane.title), title);
    pages_.Line(At(lane.first_x, lane.axis_y), At(lane.last_x, lane.axis_y), 0.8F, kFaint);
    const PdfStyle tick_style = {6.5F, false, kFaint};
    for (const DrillLane::Tick& tick : lane.ticks) {
      pages_.Line(At(tick.x, lane.axis_y), At(tick.x, lane.axis_y + 6), 0.5F, kFaint);
      const std::string text = PdfText(tick.text);
      const PdfPages::Place place = At(tick.x, lane.axis_y + 22);
      pages_.TextAt(place.x - pages_.WidthOf(text, tick_style) / 2, place.y, text, tick_style);
    }
    for (const DrillLane::Mark& mark : lane.marks) SetMark(lane, mark, colour);
  }

 private:
  [[nodiscard]] PdfPages::Place At(double x, double y) const {
    return {PdfPages::kMargin + static_cast<float>(x) * kScale,
            top_ + static_cast<float>(y) * kScale};
  }
  void SetMark(const DrillLane& lane, const DrillLane::Mark& mark, const PdfColour& colour) {
    pages_.Line(At(mark.x, lane.axis_y), At(mark.x, mark.label_y - kChartLetter + 2), 0.6F, colour);
    pages_.Disc(At(mark.x, lane.axis_y), 2.4F, colour);
    const auto size = static_cast<float>(kChartLetter) * kScale;
    const PdfStyle when = {size, true, colour};
    const PdfPages::Place place = At(mark.x + 6, mark.label_y);
    pages_.TextAt(place.x, place.y, PdfText(mark.when), when);
    pages_.TextAt(place.x + pages_.WidthOf(PdfText(mark.when) + " ", when), place.y,
                  PdfText(mark.what), {size, false, kInk});
  }

  PdfPages& pages_;
  float top_;
};

void SetChart(const DrillReport& report, PdfPages* pages) {
  const DrillChart chart = LayOutDrillChart(report);
  const float height = static_cast<float>(chart.height) * ChartSetter::kScale;
  pages->Need(height);
  ChartSetter setter(pages, pages->y());
  setter.Set(chart.then, kThen);
  setter.Set(chart.now, kNow);
  pages->Skip(height);
}

void SetSection(const DrillSection& section, PdfPages* pages) {
  pages->Skip(14);
  pages->Need(70);
  pages->Paragraph(section.heading, kHeading);
  pages->Skip(3);
  for (const std::string& paragraph : section.paragraphs) {
    pages->Paragraph(paragraph, kBody);
    pages->Skip(3);
  }
  if (!section.table.head.empty() && !section.table.rows.empty()) {
    TableSetter(pages, section.table).Set();
    pages->Skip(5);
  }
  for (const std::string& item : section.items) {
    pages->Need(kBody.size * 2);
    pages->Disc({PdfPages::kMargin + 4, pages->y() + 6}, 1.3F, kFaint);
    pages->Paragraph(item, kBody, 12);
    pages->Skip(2);
  }
}

}  // namespace

Result<std::string> RenderDrillPdf(const DrillReport& report) {
  const DrillPage page = LayOutDrillPage(report);
  Result<std::unique_ptr<PdfPages>> pages = PdfPages::Create(page.title);
  if (!pages) {
    return pages.error();
  }
  (*pages)->Paragraph(page.title, kTitle);
  (*pages)->Paragraph(page.subtitle, kSubtitle);
  (*pages)->Skip(12);
  SetFigures(page.figures, pages->get());
  SetChart(report, pages->get());
  (*pages)->Paragraph(page.chart_note, kNote);
  for (const DrillSection& section : page.sections) SetSection(section, pages->get());
  return (*pages)->Finish();
}

}  // namespace bulkhead
