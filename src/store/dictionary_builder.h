// Makes dictionaries: from values as they arrive (ValueInterner), or out of the used parts of older
// ones (MergeDictionaries).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/value.h"
#include "store/dictionary.h"

namespace bulkhead {

// Collects the content of a dictionary in its order.
class DictionaryBuilder {
 public:
  void AddSingle(ValueKind kind, bool value);  // null, false, true: in this order, each once
  void AddNumber(double number) { dictionary_.numbers_.push_back(number); }
  void AddString(std::string_view text);
  void AddComposite(std::string_view encoded);
  Dictionary Finish();

 private:
  void AddText(std::string_view text);
  Dictionary dictionary_;
  uint32_t strings_ = 0;
  uint32_t composites_ = 0;
};

// A growing set of values with provisional codes 1, 2, ... in order of first appearance.
class ValueInterner {
 public:
  uint32_t Intern(const Value& value);
  uint32_t InternString(std::string_view text);
  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(entries_.size()); }
  // Whether that provisional code stands for this value.
  [[nodiscard]] bool Is(uint32_t code, const Value& value) const;

  // The text of a string's provisional code.
  [[nodiscard]] std::string_view InternedString(uint32_t code) const {
    return TextOf(entries_[code - 1]);
  }

  // The sorted dictionary; (*codes)[provisional code] = code there.
  Dictionary Sort(std::vector<uint32_t>* codes) const;
  void Clear();

 private:
  struct Entry {
    uint64_t hash;
    ValueKind kind;
    uint32_t begin;  // text in text_
    uint32_t length;
    double number;  // number; bool as 0 or 1
  };
  uint32_t InternKey(ValueKind kind, double number, std::string_view text);
  void Grow();
  [[nodiscard]] std::string_view TextOf(const Entry& entry) const {
    return std::string_view(text_).substr(entry.begin, entry.length);
  }

  std::vector<Entry> entries_;
  std::vector<uint32_t> slots_;  // code, 0 = free; a power of two
  std::string text_;
  std::string scratch_;
};

// One dictionary with every value whose flag is set in used[i][code]; (*codes)[i][code] = its code
// in the result (0 for unused).
Dictionary MergeDictionaries(const std::vector<const Dictionary*>& inputs,
                             const std::vector<std::vector<bool>>& used,
                             std::vector<std::vector<uint32_t>>* codes);

// Numbers as dictionaries keep them: no negative zero; what is not finite becomes null.
bool IsStorableNumber(double number);

}  // namespace bulkhead
