#include "incident/notice_page.h"

#include <algorithm>

namespace bulkhead {
namespace {

constexpr size_t kLineBytes = 76;

// Wraps at spaces; the lines after the first begin with `indent`.
void AppendWrapped(std::string_view text, std::string_view first, std::string_view indent,
                   std::string* out) {
  std::string line(first);
  bool empty = true;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (!empty && line.size() + 1 + word.size() > kLineBytes) {
      out->append(line).push_back('\n');
      line = indent;
      empty = true;
    }
    if (!empty) line.push_back(' ');
    line.append(word);
    empty = false;
  }
  out->append(line).push_back('\n');
}

void AppendElement(std::string_view name, std::string_view text, std::string* out) {
  out->append("<").append(name).append(">").append(EscapeHtml(text));
  out->append("</").append(name).append(">\n");
}

}  // namespace

std::string RenderText(const NoticePage& page) {
  std::string out;
  AppendWrapped(page.title, "", "", &out);
  for (const NoticeSection& section : page.sections) {
    out.push_back('\n');
    if (!section.heading.empty()) {
      AppendWrapped(section.heading, "", "", &out);
      out.append(std::min(section.heading.size(), kLineBytes), '-').push_back('\n');
    }
    for (const std::string& paragraph : section.paragraphs) AppendWrapped(paragraph, "", "", &out);
    for (const std::string& item : section.items) AppendWrapped(item, "- ", "  ", &out);
  }
  return out;
}

std::string RenderHtml(const NoticePage& page) {
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  AppendElement("title", page.title, &out);
  out += "</head>\n<body>\n";
  AppendElement("h1", page.title, &out);
  for (const NoticeSection& section : page.sections) {
    if (!section.heading.empty()) AppendElement("h2", section.heading, &out);
    for (const std::string& paragraph : section.paragraphs) AppendElement("p", paragraph, &out);
    if (section.items.empty()) continue;
    out += "<ul>\n";
    for (const std::string& item : section.items) AppendElement("li", item, &out);
    out += "</ul>\n";
  }
  return out + "</body>\n</html>\n";
}

std::string EscapeHtml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

}  // namespace bulkhead
