#include "store/profiles.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "base/limits.h"
#include "store/value_codec.h"

namespace bulkhead {
namespace {

constexpr std::string_view kLastSeen = "$last_seen";

Value* FindMember(ValueObject* object, std::string_view name) {
  for (auto& [key, value] : *object) {
    if (key == name) {
      return &value;
    }
  }
  return nullptr;
}

bool Set(ValueObject* profile, std::string_view name, const Value& value) {
  if (Value* member = FindMember(profile, name)) {
    *member = value;
  } else if (profile->size() < limits::kMaxPropertyColumns) {
    profile->emplace_back(std::string(name), value);
  }
  return true;
}

bool Add(ValueObject* profile, const std::string& name, const Value& value) {
  const Value* member = FindMember(profile, name);
  if (!value.is_number() || (member != nullptr && !member->is_number())) {
    return false;
  }
  return Set(profile, name, Value((member != nullptr ? member->number() : 0.0) + value.number()));
}

bool FitsProfile(const Value& value) {
  std::string encoded;
  EncodeValue(value, &encoded);
  return encoded.size() <= limits::kMaxProfileCompositeBytes;
}

// Adds `values` to the list of that name.
bool Extend(ValueObject* profile, const std::string& name, const ValueList& values, bool unique) {
  const Value* member = FindMember(profile, name);
  if (member != nullptr && !member->is_list()) {
    return false;
  }
  ValueList list = member != nullptr ? member->list() : ValueList();
  const size_t before = list.size();
  for (const Value& value : values) {
    if (!unique || std::find(list.begin(), list.end(), value) == list.end()) {
      list.push_back(value);
    }
  }
  Value extended(std::move(list));
  if ((member != nullptr && extended.list().size() == before) || !FitsProfile(extended)) {
    return false;
  }
  return Set(profile, name, extended);
}

bool RemoveFromList(ValueObject* profile, const std::string& name, const Value& value) {
  Value* member = FindMember(profile, name);
  return member != nullptr && member->is_list() && std::erase(member->list(), value) > 0;
}

bool ApplyOne(ProfileOperator op, const std::string& name, const Value& value,
              ValueObject* profile) {
  switch (op) {
    case ProfileOperator::kSet:
      return Set(profile, name, value);
    case ProfileOperator::kSetOnce:
      return FindMember(profile, name) == nullptr && Set(profile, name, value);
    case ProfileOperator::kAdd:
      return Add(profile, name, value);
    case ProfileOperator::kAppend:
      return Extend(profile, name, {value}, false);
    case ProfileOperator::kUnion:
      return Extend(profile, name, value.is_list() ? value.list() : ValueList{value}, true);
    case ProfileOperator::kRemove:
      return RemoveFromList(profile, name, value);
    case ProfileOperator::kUnset:
      return std::erase_if(*profile, [&](const auto& member) { return member.first == name; }) > 0;
    case ProfileOperator::kDelete:
      break;
  }
  return false;
}

// Whether the operator makes a profile where there is none.
bool Creates(ProfileOperator op) {
  return op != ProfileOperator::kUnset && op != ProfileOperator::kRemove &&
         op != ProfileOperator::kDelete;
}

template <typename Map, typename Key>
void ApplyTo(const ProfileUpdate& update, bool last_seen, const Key& key, Map* map) {
  if (update.op == ProfileOperator::kDelete) {
    map->Erase(key);
    return;
  }
  const Profiles::Object* stored = map->Find(key);
  if (stored == nullptr && !Creates(update.op)) {
    return;
  }
  ValueObject profile = stored != nullptr ? **stored : ValueObject();
  bool changed = ApplyOperator(update, &profile) || stored == nullptr;
  if (last_seen && !update.ignore_time) {
    changed = Set(&profile, kLastSeen, Value(ProfileTime(update.time_ms))) || changed;
  }
  if (changed) {
    map->At(key) = std::make_shared<const ValueObject>(std::move(profile));
  }
}

}  // namespace

bool ApplyOperator(const ProfileUpdate& update, ValueObject* profile) {
  bool changed = false;
  for (const auto& [name, value] : update.properties) {
    changed = ApplyOne(update.op, name, value, profile) || changed;
  }
  return changed;
}

std::string ProfileTime(int64_t time_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds(time_ms)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<seconds>(time - day));
  char text[64];
  std::snprintf(text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

void Profiles::Apply(const ProfileUpdate& update, const SubjectId& subject) {
  if (!update.group_key.empty()) {
    ApplyTo(update, false, GroupId{update.group_key, update.group_id}, &groups_);
  } else if (!subject.IsNobody()) {
    ApplyTo(update, true, subject, &people_);
  }
}

}  // namespace bulkhead
