// A notice as headings, paragraphs and lists, and its two renderings. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bulkhead {

struct NoticeSection {
  std::string heading;                  // may be empty
  std::vector<std::string> paragraphs;  // before the list
  std::vector<std::string> items;
};
struct NoticePage {
  std::string title;
  std::vector<NoticeSection> sections;
};

// Lines of at most 76 characters where words allow it.
std::string RenderText(const NoticePage& page);
// No script, no style from elsewhere, no link, no picture.
std::string RenderHtml(const NoticePage& page);

std::string EscapeHtml(std::string_view text);

}  // namespace bulkhead
