#include "base/toml_reader.h"

#include <algorithm>

namespace bulkhead {
std::optional<toml::table> TomlReader::Parse(std::string_view text, size_t max_bytes) {
  if (text.size() > max_bytes) {
    Fail(1, "", "larger than " + std::to_string(max_bytes) + " bytes");
    return std::nullopt;
  }
  toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    // The library's text may quote the file: only its line is passed on.
    Fail(parsed.error().source().begin.line, "", "this is no TOML from here on");
    return std::nullopt;
  }
  return std::move(parsed).table();
}

void TomlReader::Fail(uint32_t line, std::string_view path, std::string_view what) {
  if (++error_count_ > kMaxErrors) return;
  if (!errors_.empty()) errors_.push_back('\n');
  errors_.append(file_).append(1, ':').append(std::to_string(line)).append(": ");
  if (!path.empty()) errors_.append(path).append(": ");
  errors_.append(what);
}

bool TomlReader::IsPlainText(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

void TomlReader::Finish(const TomlSection& section) {
  section.ForEachUnknown([&](std::string_view key, uint32_t line) {
    // The key is the operator's own word; what cannot be shown in a line is not.
    const bool shown = key.size() <= 64 && IsPlainText(key);
    Fail(line, section.PathOf(shown ? key : "..."), "unknown key");
  });
}

void TomlReader::Schema(TomlSection* top, int64_t number) {
  const toml::node* schema = top->Take("schema");
  if (schema == nullptr) {
    Fail(1, "schema", "missing: schema = " + std::to_string(number) + " expected");
  } else if (schema->value_exact<int64_t>() != number) {
    Fail(LineOf(*schema), "schema",
         std::to_string(number) + " expected: this program knows no other");
  }
}

const toml::table* TomlReader::TableAt(TomlSection* section, std::string_view key) {
  const toml::node* node = section->Take(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) Fail(LineOf(*node), section->PathOf(key), "a table expected");
  return node->as_table();
}

std::string TomlReader::Text(TomlSection* section, std::string_view key, size_t max_bytes) {
  const toml::node* node = section->Take(key);
  return node == nullptr ? std::string() : TextOf(*node, section->PathOf(key), max_bytes);
}

std::string TomlReader::TextOf(const toml::node& node, const std::string& path, size_t max_bytes) {
  const auto* text = node.as_string();
  if (text == nullptr) {
    Fail(LineOf(node), path, "a string expected");
  } else if (text->get().empty()) {
    Fail(LineOf(node), path, "must not be empty");
  } else if (text->get().size() > max_bytes) {
    Fail(LineOf(node), path, "longer than " + std::to_string(max_bytes) + " bytes");
  } else if (!IsPlainText(text->get())) {
    Fail(LineOf(node), path, "holds a control character");
  } else {
    return text->get();
  }
  return {};
}

int64_t TomlReader::Number(TomlSection* section, std::string_view key,
                           std::pair<int64_t, int64_t> bounds, int64_t fallback) {
  const toml::node* node = section->Take(key);
  if (node == nullptr) return fallback;
  const auto number = node->value_exact<int64_t>();
  if (number && *number >= bounds.first && *number <= bounds.second) return *number;
  Fail(LineOf(*node), section->PathOf(key),
       "a whole number from " + std::to_string(bounds.first) + " to " +
           std::to_string(bounds.second) + " expected");
  return fallback;
}

bool TomlReader::Flag(TomlSection* section, std::string_view key, bool fallback) {
  const toml::node* node = section->Take(key);
  if (node == nullptr) return fallback;
  const auto flag = node->value_exact<bool>();
  if (!flag) Fail(LineOf(*node), section->PathOf(key), "true or false expected");
  return flag.value_or(fallback);
}

std::optional<std::chrono::sys_days> TomlReader::Day(TomlSection* section, std::string_view key) {
  const toml::node* node = section->Take(key);
  return node == nullptr ? std::nullopt : DayOf(*node, section->PathOf(key));
}

std::optional<std::chrono::sys_days> TomlReader::DayOf(const toml::node& node,
                                                       const std::string& path) {
  if (const auto* date = node.as_date()) {
    const std::chrono::year_month_day day{std::chrono::year(date->get().year),
                                          std::chrono::month(date->get().month),
                                          std::chrono::day(date->get().day)};
    if (day.ok()) return std::chrono::sys_days(day);
  }
  Fail(LineOf(node), path, "a date expected, without a time and without quotes");
  return std::nullopt;
}

std::vector<std::string> TomlReader::Texts(TomlSection* section, std::string_view key,
                                           size_t limit) {
  std::vector<std::string> texts;
  ForEach(section, key, limit, [&](const toml::node& node, const std::string& path) {
    texts.push_back(TextOf(node, path, kMaxTextBytes));
  });
  std::ranges::sort(texts);
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts;
}

}  // namespace bulkhead
