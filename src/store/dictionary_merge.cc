// MergeDictionaries: one pass over the sorted inputs.
#include <algorithm>

#include "store/dictionary_builder.h"

namespace bulkhead {

class DictionaryMerge {
 public:
  DictionaryMerge(const std::vector<const Dictionary*>& inputs,
                  const std::vector<std::vector<bool>>& used,
                  std::vector<std::vector<uint32_t>>* codes)
      : inputs_(inputs), used_(used), codes_(*codes), at_(inputs.size()) {
    codes_.clear();
    for (const Dictionary* input : inputs_) {
      codes_.emplace_back(input->size() + 1, 0);
    }
  }

  Dictionary Run() {
    Singles();
    Range([](const Dictionary& d) { return d.first_number(); },
          [](const Dictionary& d) { return d.first_string(); },
          [](const Dictionary& d, uint32_t code) { return d.Number(code); },
          [this](double number) { builder_.AddNumber(number); });
    Range([](const Dictionary& d) { return d.first_string(); },
          [](const Dictionary& d) { return d.first_composite(); },
          [](const Dictionary& d, uint32_t code) { return d.String(code); },
          [this](std::string_view text) { builder_.AddString(text); });
    Range([](const Dictionary& d) { return d.first_composite(); },
          [](const Dictionary& d) { return d.size() + 1; },
          [](const Dictionary& d, uint32_t code) { return d.String(code); },
          [this](std::string_view text) { builder_.AddComposite(text); });
    return builder_.Finish();
  }

 private:
  void Singles() {
    for (const Value& single : {Value(), Value(false), Value(true)}) {
      bool any = false;
      for (size_t i = 0; i < inputs_.size(); ++i) {
        const uint32_t code = inputs_[i]->Find(single);
        if (code != 0 && used_[i][code]) {
          codes_[i][code] = next_;
          any = true;
        }
      }
      if (any) {
        builder_.AddSingle(single.kind(), single.is_bool() && single.bool_value());
        ++next_;
      }
    }
  }

  void SkipUnused(size_t input, uint32_t end) {
    while (at_[input] < end && !used_[input][at_[input]]) {
      ++at_[input];
    }
  }

  template <typename First, typename End, typename Key, typename Add>
  void Range(First first, End end, Key key, Add add) {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      at_[i] = first(*inputs_[i]);
      SkipUnused(i, end(*inputs_[i]));
    }
    for (;;) {
      size_t least = inputs_.size();
      for (size_t i = 0; i < inputs_.size(); ++i) {
        if (at_[i] < end(*inputs_[i]) &&
            (least == inputs_.size() ||
             key(*inputs_[i], at_[i]) < key(*inputs_[least], at_[least]))) {
          least = i;
        }
      }
      if (least == inputs_.size()) {
        return;
      }
      const auto value = key(*inputs_[least], at_[least]);
      add(value);
      for (size_t i = least; i < inputs_.size(); ++i) {
        if (at_[i] < end(*inputs_[i]) && key(*inputs_[i], at_[i]) == value) {
          codes_[i][at_[i]++] = next_;
          SkipUnused(i, end(*inputs_[i]));
        }
      }
      ++next_;
    }
  }

  const std::vector<const Dictionary*>& inputs_;
  const std::vector<std::vector<bool>>& used_;
  std::vector<std::vector<uint32_t>>& codes_;
  std::vector<uint32_t> at_;
  uint32_t next_ = 1;
  DictionaryBuilder builder_;
};

Dictionary MergeDictionaries(const std::vector<const Dictionary*>& inputs,
                             const std::vector<std::vector<bool>>& used,
                             std::vector<std::vector<uint32_t>>* codes) {
  return DictionaryMerge(inputs, used, codes).Run();
}

}  // namespace bulkhead
