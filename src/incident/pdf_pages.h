// A4 pages of text, tables and lines, over libharu with the fonts that every reader has, so that no
// font lies in the file. Inside incident/. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bulkhead {

// As the fonts can show it: Latin-1 as Windows has it, with '?' for what it lacks and spaces for
// control characters. Bytes that are no UTF-8 are '?' each.
std::string PdfText(std::string_view utf8);

struct PdfColour {
  float red = 0, green = 0, blue = 0;
};

struct PdfStyle {
  float size = 9;
  bool bold = false;
  PdfColour colour = {0.11F, 0.14F, 0.15F};
};

// Points are 1/72 inch; y is measured from the top of the page, downwards.
class PdfPages {
 public:
  static constexpr float kWidth = 595.28F, kHeight = 841.89F;
  static constexpr float kMargin = 48;
  static constexpr float kTextWidth = kWidth - 2 * kMargin;

  // kBug: the library cannot begin.
  static Result<std::unique_ptr<PdfPages>> Create(const std::string& title);
  ~PdfPages();
  PdfPages(const PdfPages&) = delete;
  PdfPages& operator=(const PdfPages&) = delete;

  // Where the next thing begins on the present page.
  [[nodiscard]] float y() const { return y_; }
  void Skip(float points) { y_ += points; }
  // Another page, where so much does not fit on this one.
  void Need(float points);

  // The lines that a text of any length makes; words that are too long are broken.
  [[nodiscard]] std::vector<std::string> Wrap(std::string_view utf8, const PdfStyle& style,
                                              float width) const;
  // At the present place, in lines as wide as the page's text, over pages where need be.
  void Paragraph(std::string_view utf8, const PdfStyle& style, float indent = 0);
  // One line of what Wrap or PdfText gave, its baseline at `y` of the present page.
  void TextAt(float x, float y, std::string_view line, const PdfStyle& style);
  [[nodiscard]] float WidthOf(std::string_view line, const PdfStyle& style) const;

  struct Place {
    float x = 0, y = 0;
  };
  void Line(Place from, Place to, float thickness, const PdfColour& colour);
  void Box(Place corner, Place size, const PdfColour& colour);
  void Disc(Place centre, float radius, const PdfColour& colour);

  // With the number on each page. Once, at the end.
  Result<std::string> Finish();

 private:
  struct Document;
  explicit PdfPages(std::unique_ptr<Document> document);
  void BeginPage();

  std::unique_ptr<Document> document_;
  float y_ = 0;
};

}  // namespace bulkhead
