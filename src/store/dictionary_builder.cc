#include "store/dictionary_builder.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/bit_mix.h"
#include "base/check.h"
#include "store/value_codec.h"

namespace bulkhead {

bool IsStorableNumber(double number) { return std::isfinite(number); }

void DictionaryBuilder::AddSingle(ValueKind kind, bool value) {
  dictionary_.singles_ |= kind == ValueKind::kNull ? 1U : (value ? 4U : 2U);
}

void DictionaryBuilder::AddText(std::string_view text) {
  if (dictionary_.ends_.empty()) {
    dictionary_.ends_.push_back(0);
  }
  dictionary_.text_.append(text);
  Check(dictionary_.text_.size() <= UINT32_MAX, "dictionary text over 4 GB");
  dictionary_.ends_.push_back(static_cast<uint32_t>(dictionary_.text_.size()));
}

void DictionaryBuilder::AddString(std::string_view text) {
  AddText(text);
  ++strings_;
}

void DictionaryBuilder::AddComposite(std::string_view encoded) {
  AddText(encoded);
  ++composites_;
}

Dictionary DictionaryBuilder::Finish() {
  Dictionary& d = dictionary_;
  d.first_number_ = 1 + static_cast<uint32_t>(std::popcount(d.singles_));
  d.first_string_ = d.first_number_ + static_cast<uint32_t>(d.numbers_.size());
  d.first_composite_ = d.first_string_ + strings_;
  d.size_ = d.first_composite_ + composites_ - 1;
  return std::move(dictionary_);
}

uint32_t ValueInterner::Intern(const Value& value) {
  switch (value.kind()) {
    case ValueKind::kNull:
      return InternKey(ValueKind::kNull, 0, {});
    case ValueKind::kBool:
      return InternKey(ValueKind::kBool, value.bool_value() ? 1 : 0, {});
    case ValueKind::kNumber:
      if (!IsStorableNumber(value.number())) {
        return InternKey(ValueKind::kNull, 0, {});
      }
      return InternKey(ValueKind::kNumber, value.number() + 0.0, {});  // -0 becomes 0
    case ValueKind::kString:
      return InternKey(ValueKind::kString, 0, value.string());
    default:
      scratch_.clear();
      EncodeValue(value, &scratch_);
      return InternKey(value.kind(), 0, scratch_);
  }
}

uint32_t ValueInterner::InternString(std::string_view text) {
  return InternKey(ValueKind::kString, 0, text);
}

bool ValueInterner::Is(uint32_t code, const Value& value) const {
  if (code == 0) {
    return false;
  }
  const Entry& entry = entries_[code - 1];
  const bool as_null = value.is_null() || (value.is_number() && !IsStorableNumber(value.number()));
  if (as_null || entry.kind != value.kind()) {
    return as_null && entry.kind == ValueKind::kNull;
  }
  switch (entry.kind) {
    case ValueKind::kBool:
      return (entry.number != 0) == value.bool_value();
    case ValueKind::kNumber:
      return entry.number == value.number();
    case ValueKind::kString:
      return TextOf(entry) == value.string();
    default: {
      std::string encoded;
      EncodeValue(value, &encoded);
      return TextOf(entry) == encoded;
    }
  }
}

uint32_t ValueInterner::InternKey(ValueKind kind, double number, std::string_view text) {
  uint64_t hash = static_cast<uint64_t>(kind);
  if (kind >= ValueKind::kString) {
    hash += HashBytes(text);
  } else {
    hash += MixBits(std::bit_cast<uint64_t>(number) + 0x9E3779B97F4A7C15ULL);
  }
  if (slots_.size() < entries_.size() * 2 + 2) {
    Grow();
  }
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    const uint32_t code = slots_[at];
    if (code == 0) {
      Check(text_.size() + text.size() <= UINT32_MAX, "interned text over 4 GB");
      entries_.push_back({.hash = hash,
                          .kind = kind,
                          .begin = static_cast<uint32_t>(text_.size()),
                          .length = static_cast<uint32_t>(text.size()),
                          .number = number});
      text_.append(text);
      slots_[at] = size();
      return size();
    }
    const Entry& entry = entries_[code - 1];
    if (entry.hash == hash && entry.kind == kind && entry.number == number &&
        TextOf(entry) == text) {
      return code;
    }
  }
}

void ValueInterner::Grow() {
  slots_.assign(std::max<size_t>(16, slots_.size() * 2), 0);
  const size_t mask = slots_.size() - 1;
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    size_t at = entries_[i].hash & mask;
    while (slots_[at] != 0) {
      at = (at + 1) & mask;
    }
    slots_[at] = i + 1;
  }
}

Dictionary ValueInterner::Sort(std::vector<uint32_t>* codes) const {
  std::vector<uint32_t> order(entries_.size());
  for (uint32_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  const auto rank = [](ValueKind kind) {
    return kind == ValueKind::kObject ? ValueKind::kList : kind;
  };
  std::sort(order.begin(), order.end(), [&](uint32_t x, uint32_t y) {
    const Entry& a = entries_[x];
    const Entry& b = entries_[y];
    if (rank(a.kind) != rank(b.kind)) {
      return rank(a.kind) < rank(b.kind);
    }
    if (a.kind >= ValueKind::kString) {
      return TextOf(a) < TextOf(b);
    }
    return a.number < b.number;
  });
  DictionaryBuilder builder;
  codes->assign(entries_.size() + 1, 0);
  for (uint32_t i = 0; i < order.size(); ++i) {
    const Entry& entry = entries_[order[i]];
    (*codes)[order[i] + 1] = i + 1;
    switch (entry.kind) {
      case ValueKind::kNull:
      case ValueKind::kBool:
        builder.AddSingle(entry.kind, entry.number != 0);
        break;
      case ValueKind::kNumber:
        builder.AddNumber(entry.number);
        break;
      case ValueKind::kString:
        builder.AddString(TextOf(entry));
        break;
      default:
        builder.AddComposite(TextOf(entry));
    }
  }
  return builder.Finish();
}

void ValueInterner::Clear() { *this = ValueInterner(); }

}  // namespace bulkhead
