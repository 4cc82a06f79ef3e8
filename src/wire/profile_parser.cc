#include "wire/profile_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/limits.h"
#include "wire/json_reader.h"

namespace bulkhead {
namespace {

using simdjson::dom::element;
using simdjson::dom::key_value_pair;

constexpr size_t kMaxProfileUpdateBytes = limits::kMaxEventBytes;

std::optional<ProfileOperator> OperatorOf(std::string_view name) {
  static constexpr std::pair<std::string_view, ProfileOperator> kOperators[] = {
      {"$set", ProfileOperator::kSet},     {"$set_once", ProfileOperator::kSetOnce},
      {"$add", ProfileOperator::kAdd},     {"$append", ProfileOperator::kAppend},
      {"$union", ProfileOperator::kUnion}, {"$remove", ProfileOperator::kRemove},
      {"$unset", ProfileOperator::kUnset}, {"$delete", ProfileOperator::kDelete}};
  for (const auto& [text, op] : kOperators) {
    if (text == name) return op;
  }
  return std::nullopt;
}

class ProfileReader {
 public:
  ProfileReader(size_t index, const ProfileParseOptions& options) : options_(options) {
    profile_.index = index;
    profile_.time_ms = options.now_ms;
  }

  bool Read(const element& record);
  ParsedProfile& profile() { return profile_; }
  RecordError& error() { return error_; }

 private:
  bool Refuse(std::string_view field, const char* rule) {
    error_ = InvalidField(profile_.index, std::string(field), rule);
    return false;
  }
  bool ReadMember(const key_value_pair& member);
  void ReadModifier(const key_value_pair& member);
  bool ReadTime(const element& value);
  bool ReadOperation(ProfileOperator op, const key_value_pair& member);
  bool ReadNames(const element& value, ValueObject* names);
  bool CheckOperation(std::string_view name, ParsedOperation* operation);
  bool CheckWhole();

  ParsedOperation& OperationFor(ProfileOperator op);

  const ProfileParseOptions& options_;
  ParsedProfile profile_;
  std::string user_id_;
  RecordError error_;
  ValueReader values_{limits::kMaxProfileCompositeBytes};
};

bool ProfileReader::Read(const element& record) {
  simdjson::dom::object object;
  if (record.get_object().get(object) != simdjson::SUCCESS)
    return Refuse("profile", "must be an object");
  for (const key_value_pair member : object) {
    values_.Count(member.key.size() + 4);
    if (!ReadMember(member)) return false;
    // What a later member of the same name replaces counts too: it has been read.
    if (values_.bytes() > kMaxProfileUpdateBytes) return Refuse("profile", "is larger than 1 MB");
  }
  return CheckWhole();
}

bool ProfileReader::ReadMember(const key_value_pair& member) {
  const std::string_view key = member.key;
  if (const auto op = OperatorOf(key)) return ReadOperation(*op, member);
  const auto take = [&](std::string* into) {
    *into = ReadIdentifier(member.value).value_or(std::string());
    values_.Count(into->size());
  };
  if (key == "$token" || key == "token") {
    take(&profile_.token);
  } else if (key == "$distinct_id") {
    take(&profile_.distinct_id);
  } else if (key == "$user_id") {
    take(&user_id_);
  } else if (key == "$group_key") {
    take(&profile_.group_key);
  } else if (key == "$group_id") {
    take(&profile_.group_id);
  } else if (key == "$time") {
    return ReadTime(member.value);
  } else {
    ReadModifier(member);
  }
  return true;
}

// Unknown members are dropped, $latitude and $longitude among them: a place finer than a city is
// not kept.
void ProfileReader::ReadModifier(const key_value_pair& member) {
  std::string_view text;
  const bool is_text = member.value.get_string().get(text) == simdjson::SUCCESS;
  if (member.key == "$ignore_time") {
    profile_.ignore_time = is_text ? text == "true" || text == "1" : IsTruthy(member.value);
  } else if (member.key == "$ip") {
    if (is_text) {
      profile_.ip = text == "0" ? std::string() : std::string(text);
    } else if (!IsTruthy(member.value)) {
      profile_.ip = std::string();
    }
  }
}

bool ProfileReader::ReadTime(const element& value) {
  if (value.is_null()) return true;
  const std::optional<int64_t> time_ms = ReadTimeMs(value);
  if (!time_ms || *time_ms < 0) return Refuse("$time", "must be specified as seconds since epoch");
  profile_.time_ms = std::min(*time_ms, options_.now_ms);
  return true;
}

// Of equal operators the last wins, as of all equal names: a record has at most one of each.
ParsedOperation& ProfileReader::OperationFor(ProfileOperator op) {
  for (ParsedOperation& operation : profile_.operations) {
    if (operation.op == op) {
      operation.properties.clear();
      return operation;
    }
  }
  ParsedOperation& operation = profile_.operations.emplace_back();
  operation.op = op;
  return operation;
}

bool ProfileReader::ReadOperation(ProfileOperator op, const key_value_pair& member) {
  ParsedOperation& operation = OperationFor(op);
  if (op == ProfileOperator::kDelete) return true;
  if (op == ProfileOperator::kUnset) {
    return ReadNames(member.value, &operation.properties) ||
           Refuse(member.key, "must be a list of property names");
  }
  simdjson::dom::object properties;
  if (member.value.get_object().get(properties) != simdjson::SUCCESS)
    return Refuse(member.key, "must be an object");
  if (properties.size() > limits::kMaxPropertiesPerEvent)
    return Refuse(member.key, "has too many properties");
  operation.properties.reserve(properties.size() + 4);
  for (const key_value_pair property : properties) {
    if (!values_.ReadMember(property, &operation.properties))
      return Refuse(member.key, values_.reason());
  }
  KeepLastOfEqualNames(&operation.properties);
  return CheckOperation(member.key, &operation);
}

bool ProfileReader::ReadNames(const element& value, ValueObject* names) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) {
    if (text.size() > limits::kMaxPropertyNameBytes) return false;
    values_.Count(text.size() + 2);
    names->emplace_back(std::string(text), Value());
    return true;
  }
  simdjson::dom::array list;
  if (value.get_array().get(list) != simdjson::SUCCESS || list.size() > limits::kMaxElementsPerList)
    return false;
  for (const element item : list) {
    if (item.get_string().get(text) != simdjson::SUCCESS ||
        text.size() > limits::kMaxPropertyNameBytes)
      return false;
    values_.Count(text.size() + 3);
    names->emplace_back(std::string(text), Value());
  }
  KeepLastOfEqualNames(names);
  return true;
}

bool ProfileReader::CheckOperation(std::string_view name, ParsedOperation* operation) {
  for (auto& [property, value] : operation->properties) {
    if (operation->op == ProfileOperator::kAdd) {
      double number = 0;
      if (value.is_string()) {
        const std::string& text = value.string();
        const auto [stop, failure] =
            std::from_chars(text.data(), text.data() + text.size(), number);
        if (failure == std::errc() && stop == text.data() + text.size() && std::isfinite(number))
          value = Value(number);
      }
      if (!value.is_number()) return Refuse(name, "every value must be a number");
    } else if (operation->op == ProfileOperator::kUnion && !value.is_list()) {
      ValueList list;
      list.push_back(std::move(value));
      value = Value(std::move(list));
    }
  }
  return true;
}

bool ProfileReader::CheckWhole() {
  if (options_.groups) {
    if (profile_.group_key.empty()) return Refuse("$group_key", "is missing or empty");
    if (profile_.group_key.size() > limits::kMaxPropertyNameBytes)
      return Refuse("$group_key", "is too long");
    if (profile_.group_id.empty()) return Refuse("$group_id", "is missing or empty");
  } else {
    if (profile_.distinct_id.empty()) profile_.distinct_id = std::move(user_id_);
    if (profile_.distinct_id.empty()) return Refuse("$distinct_id", "is missing or empty");
    if (IsForbiddenId(profile_.distinct_id))
      return Refuse("$distinct_id", "is a value that stands for no one");
  }
  if (profile_.operations.empty()) return Refuse("profile", "has no operation such as $set");
  return true;
}

}  // namespace

Result<ParsedProfiles> ParseProfiles(std::string_view json, const ProfileParseOptions& options) {
  ParsedProfiles parsed;
  const RecordOptions records{options.newline_delimited, limits::kMaxProfileUpdatesPerRequest};
  Result<void> read = ForEachRecord(json, records, [&](size_t index, const element* record) {
    if (record == nullptr) {
      parsed.errors.push_back(InvalidField(index, "profile", "must be JSON"));
      return;
    }
    ProfileReader reader(index, options);
    if (reader.Read(*record)) {
      parsed.profiles.push_back(std::move(reader.profile()));
    } else {
      parsed.errors.push_back(std::move(reader.error()));
    }
  });
  if (!read) return read.error();
  return parsed;
}

}  // namespace bulkhead
