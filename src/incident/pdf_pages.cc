#include "incident/pdf_pages.h"

#include <fmt/format.h>
#include <hpdf.h>

#include <algorithm>
#include <array>
#include <utility>

namespace bulkhead {
namespace {

constexpr float kFooter = 30;
constexpr float kLeading = 1.32F;
constexpr PdfStyle kFooterStyle = {8, false, {0.36F, 0.4F, 0.43F}};

// Beyond Latin-1: where Windows' code page has it.
constexpr std::array<std::pair<uint32_t, char>, 9> kWindows = {{{0x20AC, '\x80'},
                                                                {0x2026, '\x85'},
                                                                {0x2018, '\x91'},
                                                                {0x2019, '\x92'},
                                                                {0x201C, '\x93'},
                                                                {0x201D, '\x94'},
                                                                {0x2022, '\x95'},
                                                                {0x2013, '\x96'},
                                                                {0x2014, '\x97'}}};

char Shown(uint32_t code) {
  if (code < 0x20 || (code >= 0x7F && code < 0xA0)) return ' ';
  if (code < 0x100) return static_cast<char>(code);
  const auto found = std::ranges::find(kWindows, code, &std::pair<uint32_t, char>::first);
  return found == kWindows.end() ? '?' : found->second;
}

// Takes one character off the front; what is no UTF-8 is taken byte by byte, as beyond Unicode.
uint32_t TakeCharacter(std::string_view* text) {
  constexpr uint32_t kNone = 0x110000;
  const auto first = static_cast<unsigned char>(text->front());
  text->remove_prefix(1);
  if (first < 0x80) return first;
  const size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC2 ? 1 : 0;
  if (more == 0 || first > 0xF4 || text->size() < more) return kNone;
  uint32_t code = first & (0x3FU >> more);
  for (size_t i = 0; i < more; ++i) {
    const auto next = static_cast<unsigned char>((*text)[i]);
    if ((next & 0xC0) != 0x80) return kNone;
    code = code << 6 | (next & 0x3FU);
  }
  text->remove_prefix(more);
  return code;
}

}  // namespace

std::string PdfText(std::string_view utf8) {
  std::string text;
  while (!utf8.empty()) text.push_back(Shown(TakeCharacter(&utf8)));
  return text;
}

struct PdfPages::Document {
  HPDF_Doc pdf = nullptr;
  HPDF_Font regular = nullptr, bold = nullptr;
  std::vector<HPDF_Page> pages;

  ~Document() {
    if (pdf != nullptr) HPDF_Free(pdf);
  }
  [[nodiscard]] HPDF_Font FontOf(const PdfStyle& style) const {
    return style.bold ? bold : regular;
  }
  [[nodiscard]] HPDF_Page page() const { return pages.back(); }
};

Result<std::unique_ptr<PdfPages>> PdfPages::Create(const std::string& title) {
  auto document = std::make_unique<Document>();
  // Mistakes stay in the document, whose state Finish asks for.
  document->pdf = HPDF_New([](HPDF_STATUS, HPDF_STATUS, void*) {}, nullptr);
  if (document->pdf == nullptr) {
    return Error{ErrorCode::kBug, "no PDF can be begun"};
  }
  HPDF_SetCompressionMode(document->pdf, HPDF_COMP_ALL);
  HPDF_SetInfoAttr(document->pdf, HPDF_INFO_TITLE, PdfText(title).c_str());
  document->regular = HPDF_GetFont(document->pdf, "Helvetica", "WinAnsiEncoding");
  document->bold = HPDF_GetFont(document->pdf, "Helvetica-Bold", "WinAnsiEncoding");
  if (document->regular == nullptr || document->bold == nullptr) {
    return Error{ErrorCode::kBug, "the PDF's fonts are not there"};
  }
  std::unique_ptr<PdfPages> pages(new PdfPages(std::move(document)));
  pages->BeginPage();
  return pages;
}

PdfPages::PdfPages(std::unique_ptr<Document> document) : document_(std::move(document)) {}
PdfPages::~PdfPages() = default;

void PdfPages::BeginPage() {
  HPDF_Page page = HPDF_AddPage(document_->pdf);
  HPDF_Page_SetSize(page, HPDF_PAGE_SIZE_A4, HPDF_PAGE_PORTRAIT);
  document_->pages.push_back(page);
  y_ = kMargin;
}

void PdfPages::Need(float points) {
  if (y_ + points > kHeight - kMargin - kFooter && y_ > kMargin) BeginPage();
}

float PdfPages::WidthOf(std::string_view line, const PdfStyle& style) const {
  const HPDF_TextWidth width =
      HPDF_Font_TextWidth(document_->FontOf(style), reinterpret_cast<const HPDF_BYTE*>(line.data()),
                          static_cast<HPDF_UINT>(line.size()));
  return static_cast<float>(width.width) * style.size / 1000;
}

std::vector<std::string> PdfPages::Wrap(std::string_view utf8, const PdfStyle& style,
                                        float width) const {
  const std::string text = PdfText(utf8);
  std::vector<std::string> lines(1);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    if (word.empty()) continue;
    const std::string joined =
        lines.back().empty() ? std::string(word) : lines.back() + " " + std::string(word);
    if (WidthOf(joined, style) <= width) {
      lines.back() = joined;
      continue;
    }
    if (!lines.back().empty()) lines.emplace_back();
    for (const char c : word) {
      if (!lines.back().empty() && WidthOf(lines.back() + c, style) > width) lines.emplace_back();
      lines.back().push_back(c);
    }
  }
  return lines;
}

void PdfPages::Paragraph(std::string_view utf8, const PdfStyle& style, float indent) {
  for (const std::string& line : Wrap(utf8, style, kTextWidth - indent)) {
    Need(style.size * kLeading);
    TextAt(kMargin + indent, y_ + style.size, line, style);
    y_ += style.size * kLeading;
  }
}

void PdfPages::TextAt(float x, float y, std::string_view line, const PdfStyle& style) {
  HPDF_Page page = document_->page();
  HPDF_Page_BeginText(page);
  HPDF_Page_SetFontAndSize(page, document_->FontOf(style), style.size);
  HPDF_Page_SetRGBFill(page, style.colour.red, style.colour.green, style.colour.blue);
  HPDF_Page_TextOut(page, x, kHeight - y, std::string(line).c_str());
  HPDF_Page_EndText(page);
}

void PdfPages::Line(Place from, Place to, float thickness, const PdfColour& colour) {
  HPDF_Page page = document_->page();
  HPDF_Page_SetLineWidth(page, thickness);
  HPDF_Page_SetRGBStroke(page, colour.red, colour.green, colour.blue);
  HPDF_Page_MoveTo(page, from.x, kHeight - from.y);
  HPDF_Page_LineTo(page, to.x, kHeight - to.y);
  HPDF_Page_Stroke(page);
}

void PdfPages::Box(Place corner, Place size, const PdfColour& colour) {
  HPDF_Page page = document_->page();
  HPDF_Page_SetRGBFill(page, colour.red, colour.green, colour.blue);
  HPDF_Page_Rectangle(page, corner.x, kHeight - corner.y - size.y, size.x, size.y);
  HPDF_Page_Fill(page);
}

void PdfPages::Disc(Place centre, float radius, const PdfColour& colour) {
  HPDF_Page page = document_->page();
  HPDF_Page_SetRGBFill(page, colour.red, colour.green, colour.blue);
  HPDF_Page_Circle(page, centre.x, kHeight - centre.y, radius);
  HPDF_Page_Fill(page);
}

Result<std::string> PdfPages::Finish() {
  const size_t count = document_->pages.size();
  const std::vector<HPDF_Page> pages = document_->pages;
  for (size_t i = 0; i < count; ++i) {
    document_->pages = {pages[i]};
    const std::string text = fmt::format("{} / {}", i + 1, count);
    TextAt(kWidth - kMargin - WidthOf(text, kFooterStyle), kHeight - kFooter, text, kFooterStyle);
  }
  document_->pages = pages;
  HPDF_SaveToStream(document_->pdf);
  if (HPDF_GetError(document_->pdf) != HPDF_OK) {
    return Error{ErrorCode::kBug,
                 fmt::format("the PDF could not be made: {:#x}", HPDF_GetError(document_->pdf))};
  }
  HPDF_ResetStream(document_->pdf);
  std::string bytes;
  std::array<HPDF_BYTE, 65536> some{};
  for (;;) {
    HPDF_UINT32 size = some.size();
    HPDF_ReadFromStream(document_->pdf, some.data(), &size);
    if (size == 0) return bytes;
    bytes.append(reinterpret_cast<const char*>(some.data()), size);
  }
}

}  // namespace bulkhead
