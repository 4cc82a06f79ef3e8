// Raw ids to pseudonyms. Thread-safe; each thread remembers whom the ids that it saw lately belong
// to, but not the ids.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "crypto/cache_hash.h"
#include "crypto/crypto.h"
#include "model/ids.h"
#include "wire/event_parser.h"

namespace bulkhead {

struct IntakeKeys;

struct EventIdentity {
  SubjectId person;
  SubjectId device;
};

class Pseudonyms {
 public:
  explicit Pseudonyms(const IntakeKeys& keys);

  // "$device:<id>" is a device, anything else a user; "" is nobody.
  [[nodiscard]] SubjectId Of(std::string_view raw_id) const;
  // A device as $device_id spells it, with or without "$device:".
  [[nodiscard]] SubjectId OfDevice(std::string_view device_id) const;
  // Who an event without any id belongs to: its address, as a pseudonym that no id can spell. "" is
  // nobody.
  [[nodiscard]] SubjectId OfAddress(std::string_view ip) const;
  // Who did it: the user, else the device, else whom distinct_id names, else the address.
  [[nodiscard]] EventIdentity Resolve(const ParsedEvent& event, std::string_view client_ip) const;
  // Never zero, which means none. The event's time decides which key rules, so that an event that
  // is sent again after a change of the key gives the same as before.
  [[nodiscard]] uint64_t InsertId(std::string_view insert_id, int64_t time_ms) const;

 private:
  struct OldInsertIds {
    int64_t before_ms;
    KeyedHash hash;
  };
  KeyedHash ids_;
  KeyedHash insert_ids_;
  std::vector<OldInsertIds> old_insert_ids_;  // by before_ms, smallest first
  CacheHash cache_hash_;
};

}  // namespace bulkhead
