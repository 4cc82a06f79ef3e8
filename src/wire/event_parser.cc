#include "wire/event_parser.h"

#include <algorithm>

#include "base/limits.h"
#include "wire/json_reader.h"

namespace bulkhead {
namespace {

using simdjson::dom::element;
using simdjson::dom::key_value_pair;

constexpr const char* kMustBeString = "must be a string";
constexpr const char* kMustBeIdentifier = "must be a string or a number";
constexpr std::string_view kDevicePrefix = "$device:";

bool IsInsertId(std::string_view id) {
  if (id.empty() || id.size() > limits::kMaxInsertIdBytes || IsForbiddenId(id)) return false;
  return std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// One record; the first fault ends it.
class EventReader {
 public:
  EventReader(size_t index, const EventParseOptions& options) : options_(options) {
    event_.index = index;
  }

  bool Read(const element& record);

  ParsedEvent& event() { return event_; }
  [[nodiscard]] bool ignored() const { return ignored_; }
  // The caller finds its record by the insert id, so this is looked for even where reading ended
  // before it.
  RecordError TakeError(const element& record) {
    element id;
    if (record.at_pointer("/properties/$insert_id").get(id) == simdjson::SUCCESS) {
      error_.insert_id = ReadIdentifier(id).value_or(std::string());
      CutString(&error_.insert_id);
    }
    return std::move(error_);
  }

 private:
  bool Refuse(std::string field, const char* rule) {
    error_ = InvalidField(event_.index, std::move(field), rule);
    return false;
  }
  bool ReadProperties(const simdjson::dom::object& properties);
  // Whether `member` is one of those that intake takes out; `*ok` is false where it is and is
  // wrong.
  bool TakeReserved(const key_value_pair& member, bool* ok);
  bool TakeIdentity(const key_value_pair& member, std::optional<std::string>* into);
  bool TakeFurtherIdentifier(const key_value_pair& member);
  bool TakeTime(const element& value);
  void TakeIp(const element& value);
  bool CheckTime();
  bool CheckIdentity(const char* field, std::optional<std::string>* id);
  bool CheckUserIsNoDevice();
  bool CheckIdentities();

  const EventParseOptions& options_;
  ParsedEvent event_;
  RecordError error_;
  std::optional<int64_t> time_ms_;
  bool ignored_ = false;
  ValueReader values_{limits::kMaxEventCompositeBytes};
};

bool EventReader::Read(const element& record) {
  simdjson::dom::object object;
  if (record.get_object().get(object) != simdjson::SUCCESS)
    return Refuse("event", "must be an object");
  std::string_view name;
  element properties_element;
  simdjson::dom::object properties;
  const bool has_properties = object["properties"].get(properties_element) == simdjson::SUCCESS;
  if (has_properties && properties_element.get_object().get(properties) != simdjson::SUCCESS) {
    return Refuse("properties", "must be an object");
  }
  if (has_properties && !ReadProperties(properties)) return false;
  if (object["event"].get_string().get(name) != simdjson::SUCCESS)
    return Refuse("event", kMustBeString);
  if (name.empty()) return Refuse("event", "must not be empty");
  if (!has_properties && options_.strict) return Refuse("properties", "is missing");
  event_.name.assign(name);
  if (values_.bytes() + name.size() > limits::kMaxEventBytes)
    return Refuse("event", "is larger than 1 MB");
  if (ignored_) return true;
  return CheckTime() && CheckIdentities();
}

bool EventReader::ReadProperties(const simdjson::dom::object& properties) {
  // Those taken out are not counted, as they are not kept.
  if (properties.size() > limits::kMaxPropertiesPerEvent + 16)
    return Refuse("properties", "has too many properties");
  event_.properties.reserve(properties.size() + 4);
  for (const key_value_pair member : properties) {
    bool ok = true;
    if (TakeReserved(member, &ok)) {
      if (!ok) return false;
    } else if (!values_.ReadMember(member, &event_.properties)) {
      return Refuse("properties", values_.reason());
    }
  }
  if (event_.properties.size() > limits::kMaxPropertiesPerEvent) {
    return Refuse("properties", "has too many properties");
  }
  KeepLastOfEqualNames(&event_.properties);
  return true;
}

bool EventReader::TakeReserved(const key_value_pair& member, bool* ok) {
  const std::string_view key = member.key;
  if (key == "token") {
    std::string_view token;
    if (member.value.get_string().get(token) == simdjson::SUCCESS) event_.token.assign(token);
  } else if (key == "distinct_id") {
    *ok = TakeIdentity(member, &event_.distinct_id);
  } else if (key == "$device_id") {
    *ok = TakeIdentity(member, &event_.device_id);
  } else if (key == "$user_id") {
    *ok = TakeIdentity(member, &event_.user_id);
  } else if (key == "time") {
    *ok = TakeTime(member.value);
  } else if (key == "$insert_id") {
    std::optional<std::string> id = ReadIdentifier(member.value);
    *ok = id.has_value() || member.value.is_null() || !options_.strict ||
          Refuse("properties.$insert_id", kMustBeString);
    event_.insert_id = id ? std::move(*id) : std::string();
  } else if (key == "ip") {
    TakeIp(member.value);
  } else if (key == "$ignore") {
    ignored_ = IsTruthy(member.value);
  } else if (key == "$time") {
    return true;
  } else {
    return TakeFurtherIdentifier(member);
  }
  return true;
}

bool EventReader::TakeIdentity(const key_value_pair& member, std::optional<std::string>* into) {
  if (member.value.is_null()) {
    into->reset();
    return true;
  }
  *into = ReadIdentifier(member.value);
  if (*into || !options_.strict) return true;
  return Refuse("properties." + std::string(member.key), kMustBeIdentifier);
}

// Whatever stands under these names is an id: text that is none is dropped with its property.
bool EventReader::TakeFurtherIdentifier(const key_value_pair& member) {
  static constexpr std::string_view kNames[] = {"alias",         "$anon_distinct_id",
                                                "$anon_id",      "$identified_id",
                                                "$distinct_ids", "$distinct_id_before_identity"};
  const char first = member.key.empty() ? '\0' : member.key.front();
  if (first != '$' && first != 'a') return false;
  if (std::ranges::find(kNames, member.key) == std::end(kNames)) return false;
  std::vector<std::string> ids;
  simdjson::dom::array list;
  if (member.value.get_array().get(list) == simdjson::SUCCESS) {
    for (const element item : list) {
      if (ids.size() == limits::kMaxElementsPerList) break;
      if (auto id = ReadIdentifier(item)) ids.push_back(std::move(*id));
    }
  } else if (auto id = ReadIdentifier(member.value)) {
    ids.push_back(std::move(*id));
  }
  auto& known = event_.identifiers;
  std::erase_if(known, [&](const auto& entry) { return entry.first == member.key; });
  if (!ids.empty()) known.emplace_back(std::string(member.key), std::move(ids));
  return true;
}

bool EventReader::TakeTime(const element& value) {
  if (value.is_null()) return true;
  time_ms_ = ReadTimeMs(value);
  return time_ms_.has_value() ||
         Refuse("properties.time", "must be specified as seconds since epoch");
}

void EventReader::TakeIp(const element& value) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) {
    event_.ip = text == "0" ? std::string() : std::string(text);
  } else if (!IsTruthy(value)) {
    event_.ip = std::string();
  }
}

bool EventReader::CheckTime() {
  if (!time_ms_) {
    if (options_.strict)
      return Refuse("properties.time", "must be specified as seconds since epoch");
    event_.time_ms = options_.now_ms;
    return true;
  }
  event_.time_ms = *time_ms_;
  if (event_.time_ms < limits::kMinEventTimeMs)
    return Refuse("properties.time", "must not be before 1971-01-01");
  if (event_.time_ms > options_.now_ms) {
    if (options_.strict && event_.time_ms - options_.now_ms > limits::kMaxEventFutureMs) {
      return Refuse("properties.time", "must not be more than one hour in the future");
    }
    event_.time_ms = options_.now_ms;
  }
  if (options_.last_days_only && options_.now_ms - event_.time_ms > limits::kMaxTrackAgeMs) {
    return Refuse("properties.time", "must be within the last 5 days; older events go to /import");
  }
  return true;
}

bool EventReader::CheckIdentity(const char* field, std::optional<std::string>* id) {
  if (!*id || !IsForbiddenId(**id)) return true;
  if (options_.strict) return Refuse(field, "is a value that stands for no one");
  *id = std::string();  // nobody, rather than one person made of everybody
  return true;
}

// A device that stood for a user would make this event's device a device of that one, and chains
// of them.
bool EventReader::CheckUserIsNoDevice() {
  if (!event_.user_id || !event_.user_id->starts_with(kDevicePrefix)) return true;
  if (options_.strict) return Refuse("properties.$user_id", "must not be a device's id");
  event_.user_id.reset();
  return true;
}

bool EventReader::CheckIdentities() {
  if (options_.strict && !event_.distinct_id) return Refuse("properties.distinct_id", "is missing");
  if (!CheckUserIsNoDevice()) return false;
  if (!CheckIdentity("properties.distinct_id", &event_.distinct_id) ||
      !CheckIdentity("properties.$device_id", &event_.device_id) ||
      !CheckIdentity("properties.$user_id", &event_.user_id)) {
    return false;
  }
  if (event_.insert_id.empty() || IsInsertId(event_.insert_id)) return true;
  if (options_.strict) {
    return Refuse("properties.$insert_id",
                  "must be at most 36 letters, digits and hyphens, and not a placeholder");
  }
  // An unusual id still tells a repeated event; one that everybody sends would make all events
  // repeats.
  if (IsForbiddenId(event_.insert_id)) event_.insert_id.clear();
  return true;
}

void CutValue(Value* value) {
  if (value->is_string()) {
    CutString(&value->string());
  } else if (value->is_list()) {
    for (Value& item : value->list()) CutValue(&item);
  } else if (value->is_object()) {
    CutStrings(&value->object());
  }
}

}  // namespace

Result<ParsedEvents> ParseEvents(std::string_view json, const EventParseOptions& options) {
  ParsedEvents parsed;
  const RecordOptions records{options.newline_delimited, limits::kMaxEventsPerRequest};
  Result<void> read = ForEachRecord(json, records, [&](size_t index, const element* record) {
    if (record == nullptr) {
      parsed.errors.push_back(InvalidField(index, "event", "must be JSON"));
      return;
    }
    EventReader reader(index, options);
    if (!reader.Read(*record)) {
      parsed.errors.push_back(reader.TakeError(*record));
    } else if (reader.ignored()) {
      ++parsed.ignored;
    } else {
      parsed.events.push_back(std::move(reader.event()));
    }
  });
  if (!read) return read.error();
  return parsed;
}

void CutString(std::string* text) {
  if (text->size() <= limits::kMaxStringBytes) return;
  size_t end = limits::kMaxStringBytes;
  while (end > 0 && (static_cast<unsigned char>((*text)[end]) & 0xC0) == 0x80) --end;
  text->resize(end);
}

void CutStrings(ValueObject* properties) {
  for (auto& [name, value] : *properties) CutValue(&value);
}

}  // namespace bulkhead
