#include "egress/property_habits.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace bulkhead {
namespace {

constexpr size_t kMostProperties = 1000;
constexpr size_t kMostLastValues = 200'000;
constexpr uint32_t kEnough = 20;
constexpr double kSteadyOverChance = 0.5;
constexpr double kUniqueBelow = 0.05;
constexpr uint32_t kFade = 100'000;  // then old counts weigh half

double Share(uint32_t part, uint32_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / whole;
}

bool IsHexadecimal(std::string_view text) {
  return text.size() >= 16 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-';
         });
}

std::string DisguiseText(std::string text, std::string_view digest) {
  const bool hexadecimal = IsHexadecimal(text);
  bool first = true;
  for (size_t i = 0; i < text.size(); ++i) {
    char& c = text[i];
    const auto random = static_cast<uint8_t>(digest[i % digest.size()]);
    if (hexadecimal && c != '-') {
      c = "0123456789abcdef"[random % 16];
    } else if (!hexadecimal && c >= '0' && c <= '9') {
      // A number's first digit is no zero, where it was none.
      c = static_cast<char>(first && c != '0' ? '1' + random % 9 : '0' + random % 10);
      first = false;
    }
  }
  return text;
}

// Within a thirtieth of it, with as many decimals.
double DisguiseNumber(double number, std::string_view digest) {
  double scale = 1;
  while (scale < 1e6 && std::abs(number * scale - std::round(number * scale)) > 1e-6) {
    scale *= 10;
  }
  const double random = static_cast<uint8_t>(digest[0]) * 256.0 + static_cast<uint8_t>(digest[1]);
  return std::round(number * (1 + (random / 65535 - 0.5) / 15) * scale) / scale;
}

}  // namespace

void PropertyHabits::Learn(uint64_t subject, std::string_view property, const Value& value) {
  ++learnt_;
  auto found = properties_.find(property);
  if (found == properties_.end()) {
    if (properties_.size() >= kMostProperties) {
      return;
    }
    found = properties_.emplace(property, Counts{}).first;
  }
  if (last_.size() >= kMostLastValues) {
    last_.clear();
  }
  const size_t hash = std::hash<std::string>()(ToJson(value));
  const auto [last, added] =
      last_.try_emplace(subject ^ std::hash<std::string_view>()(property), hash);
  Counts& counts = found->second;
  if (!added) {
    ++counts.repeats;
    counts.kept += last->second == hash ? 1 : 0;
  }
  Compare(subject, hash, added || last->second != hash, &counts);
  last->second = hash;
}

void PropertyHabits::Compare(uint64_t subject, size_t value, bool is_new, Counts* counts) {
  const Seen& neighbour = counts->recent[(counts->next + counts->recent.size() / 2) % 64];
  if (neighbour.subject != 0 && neighbour.subject != subject) {
    ++counts->strangers;
    counts->alike += neighbour.value == value ? 1 : 0;
  }
  if (is_new && counts->recent[counts->next].subject != 0) {
    ++counts->news;
    counts->known += std::ranges::any_of(counts->recent, [&](const Seen& seen) {
      return seen.value == value && seen.subject != subject;
    });
  }
  counts->recent[counts->next] = {subject, value};
  counts->next = (counts->next + 1) % counts->recent.size();
  if (counts->strangers > kFade) {
    for (uint32_t* count : {&counts->repeats, &counts->kept, &counts->strangers, &counts->alike,
                            &counts->news, &counts->known}) {
      *count /= 2;
    }
  }
}

PropertyHabits::Habit PropertyHabits::Of(std::string_view property) const {
  Habit habit;
  const auto found = properties_.find(property);
  if (found == properties_.end()) {
    return habit;
  }
  const Counts& counts = found->second;
  if (counts.repeats >= kEnough && counts.strangers >= kEnough) {
    const double chance = Share(counts.alike, counts.strangers);
    habit.steady = Share(counts.kept, counts.repeats) >= chance + kSteadyOverChance * (1 - chance);
  }
  habit.unique = counts.news >= kEnough && Share(counts.known, counts.news) < kUniqueBelow;
  return habit;
}

Value Disguise(const Value& value, const KeyedHash& key, std::string_view text) {
  std::string digest(32, '\0');
  key.Digest256(text, reinterpret_cast<uint8_t*>(digest.data()));
  if (value.is_string()) {
    return Value(DisguiseText(value.string(), digest));
  }
  return value.is_number() ? Value(DisguiseNumber(value.number(), digest)) : value;
}

}  // namespace bulkhead
