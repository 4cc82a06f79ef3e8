// What intake hands on: cleaned, pseudonymous, ready to be made durable. Plain data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/ids.h"
#include "model/value.h"

namespace bulkhead {

struct Event {
  std::string name;
  int64_t time_ms = 0;     // UTC, milliseconds since 1970
  SubjectId person;        // the user if the event names one, else the device, else nobody
  SubjectId device;        // the device if the event names one ("$device:<id>" form), else zero
  uint64_t insert_id = 0;  // keyed 64-bit fingerprint of $insert_id; 0 = none was sent, such events
                           // are never duplicates
  ValueObject properties;  // cleaned; without token, distinct_id, time, $insert_id
};

enum class ProfileOperator : unsigned char {
  kSet = 1,
  kSetOnce,
  kAdd,
  kAppend,
  kUnion,
  kRemove,
  kUnset,
  kDelete
};

// One update of a user profile or, where group_key is not empty, of a group profile.
struct ProfileUpdate {
  SubjectId subject;  // user profiles; zero for groups
  std::string group_key;
  std::string group_id;  // after the sieve
  ProfileOperator op = ProfileOperator::kSet;
  ValueObject properties;    // kUnset: names with null values; kDelete: empty
  int64_t time_ms = 0;       // $time, else arrival
  bool ignore_time = false;  // true: leave $last_seen alone
};

// What the store keeps of an insert id's fingerprint.
inline constexpr uint64_t kKeptInsertIdBits = (1ULL << 40) - 1;

// On every event that a policy ruled: the version's number, whose text policy/versions keeps.
inline constexpr std::string_view kPolicyVersionProperty = "$policy_version";

// What one accepted request appends to the log: it becomes durable and visible as a whole.
struct Batch {
  ProjectId project;
  int64_t arrival_ms = 0;
  bool from_import = false;
  uint32_t policy_version = 0;  // under which it was cleaned; 0 = the defaults, without a file
  std::vector<Event> events;
  std::vector<ProfileUpdate> profile_updates;
  std::string sealed;  // crypto::Seal() of the batch's sealed fields to the vault's public key;
                       // empty = none
};

// One value that only the vault may keep; lists of these are what `Batch::sealed` holds
// (model/sealed_fields.h).
struct SealedField {
  SubjectId subject;
  std::string field;          // the property path, such as "$email" or "form.contact"
  std::string value;          // the raw value; JSON text unless a string
  bool from_profile = false;  // true: current value of a profile field; false: seen on an event
  int64_t time_ms = 0;
};

}  // namespace bulkhead
