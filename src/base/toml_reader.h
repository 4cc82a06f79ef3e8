// Reads a TOML file whose every mistake is to be told at once, by line and key. Nothing here stops
// at the first: what is wrong reads as empty and is noted. Pure; safe on arbitrary bytes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "base/result.h"

namespace bulkhead {

// One table of the file: hands out its keys and knows which nobody asked for. The parsed file
// outlives it, and so do the names of the keys.
class TomlSection {
 public:
  TomlSection(const toml::table& table, std::string path) : table_(table), path_(std::move(path)) {}

  [[nodiscard]] const toml::node* Take(std::string_view key) {
    taken_.insert(key);
    return table_.get(key);
  }
  [[nodiscard]] std::string PathOf(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  }
  [[nodiscard]] uint32_t line() const { return table_.source().begin.line; }
  [[nodiscard]] const std::string& path() const { return path_; }

  template <typename F>
  void ForEachUnknown(const F& f) const {
    for (auto&& [key, node] : table_) {
      if (!taken_.contains(key.str())) f(key.str(), key.source().begin.line);
    }
  }

 private:
  const toml::table& table_;
  std::string path_;
  std::set<std::string_view> taken_;
};

// A key that is absent reads as empty, zero or the fallback, and is no mistake.
class TomlReader {
 public:
  static constexpr size_t kMaxErrors = 20;
  static constexpr size_t kMaxTextBytes = 512;

  // `file` is the name that mistakes begin with.
  explicit TomlReader(std::string_view file) : file_(file) {}

  // Nothing where the text is larger than `max_bytes` or no TOML, which is noted.
  std::optional<toml::table> Parse(std::string_view text, size_t max_bytes);

  // "FILE:LINE: PATH: WHAT"; the first kMaxErrors are kept.
  void Fail(uint32_t line, std::string_view path, std::string_view what);
  [[nodiscard]] const std::string& errors() const { return errors_; }

  static uint32_t LineOf(const toml::node& node) { return node.source().begin.line; }
  static bool IsPlainText(std::string_view text);  // without control characters

  // Notes the keys that nobody took.
  void Finish(const TomlSection& section);
  // "schema" must be there and this number.
  void Schema(TomlSection* top, int64_t number);

  const toml::table* TableAt(TomlSection* section, std::string_view key);
  std::string Text(TomlSection* section, std::string_view key, size_t max_bytes = kMaxTextBytes);
  std::string TextOf(const toml::node& node, const std::string& path, size_t max_bytes);
  int64_t Number(TomlSection* section, std::string_view key, std::pair<int64_t, int64_t> bounds,
                 int64_t fallback);
  bool Flag(TomlSection* section, std::string_view key, bool fallback);
  std::optional<std::chrono::sys_days> Day(TomlSection* section, std::string_view key);
  std::optional<std::chrono::sys_days> DayOf(const toml::node& node, const std::string& path);
  // A set: sorted, each once.
  std::vector<std::string> Texts(TomlSection* section, std::string_view key, size_t limit);

  template <typename T, size_t N>
  T Choice(TomlSection* section, std::string_view key,
           const std::pair<std::string_view, T> (&choices)[N], T fallback) {
    const toml::node* node = section->Take(key);
    if (node == nullptr) return fallback;
    const auto* text = node->as_string();
    std::string expected;
    for (const auto& [name, value] : choices) {
      if (text != nullptr && text->get() == name) return value;
      expected.append(expected.empty() ? "" : ", ").append(name);
    }
    Fail(LineOf(*node), section->PathOf(key), "one of " + expected + " expected");
    return fallback;
  }

  // Calls f(element, path) for each; nothing where the key is absent.
  template <typename F>
  void ForEach(TomlSection* section, std::string_view key, size_t limit, const F& f) {
    const toml::node* node = section->Take(key);
    if (node == nullptr) return;
    const std::string path = section->PathOf(key);
    const toml::array* list = node->as_array();
    if (list == nullptr) return Fail(LineOf(*node), path, "a list expected");
    if (list->size() > limit)
      return Fail(LineOf(*node), path, "more than " + std::to_string(limit) + " entries");
    for (size_t i = 0; i < list->size(); ++i) {
      f((*list)[i], path + "[" + std::to_string(i) + "]");
    }
  }

  template <typename F>
  void ForEachTable(TomlSection* section, std::string_view key, size_t limit, const F& f) {
    ForEach(section, key, limit, [&](const toml::node& node, const std::string& path) {
      const toml::table* table = node.as_table();
      if (table == nullptr) return Fail(LineOf(node), path, "a table expected");
      TomlSection entry(*table, path);
      f(&entry);
      Finish(entry);
    });
  }

 private:
  std::string file_;
  std::string errors_;
  size_t error_count_ = 0;
};

}  // namespace bulkhead
