// What may go to one vendor, as plain data: `[vendor.NAME]` of the policy file, read by
// sieve/vendor_policy_parser.h; the schema is docs/policy-schema.md. What nothing names does not
// go: an event that no rule names is not sent, a property that its rule does not name is left out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/event.h"
#include "model/ids.h"
#include "model/people_share.h"

namespace bulkhead {

enum class VendorType : unsigned char {
  kMixpanel = 1,  // also another Bulkhead
  kAmplitude,
  kPosthog,
  kSegment,
  kGa4,
  kWebhook,  // signed as Standard Webhooks has it
  kFiles     // NDJSON into a directory of this machine
};
std::string_view VendorTypeName(VendorType type);
std::optional<VendorType> VendorTypeNamed(std::string_view name);

// In which form a field goes out. Written in the ledger: never renumbered.
enum class FieldForm : unsigned char {
  kPlain = 1,
  kCoarse,   // as the action "coarsen" leaves it
  kToken,    // keyed for this vendor and epoch: equal values stay equal, and nothing else is left
  kIdentity  // a direct identifier out of the vault
};
std::string_view FieldFormName(FieldForm form);
std::optional<FieldForm> FieldFormNamed(std::string_view name);

struct VendorField {
  std::string property;                // a glob over the names of an event's own properties
  FieldForm form = FieldForm::kPlain;  // not kIdentity

  friend bool operator==(const VendorField&, const VendorField&) = default;
};

struct VendorEvent {
  std::string event;                // a glob over the event's name
  std::vector<VendorField> fields;  // the first that matches a property counts

  friend bool operator==(const VendorEvent&, const VendorEvent&) = default;
};

enum class TimePrecision : unsigned char { kExact = 1, kMinute, kHour, kDay };
std::string_view TimePrecisionName(TimePrecision precision);
// In milliseconds; 1 of exact times.
int64_t UnitOf(TimePrecision precision);
// The start of the minute, hour or day (UTC) that it lies in.
int64_t CoarsenTime(int64_t time_ms, TimePrecision precision);

struct VendorPolicy {
  VendorType type = VendorType::kWebhook;
  ProjectId project;
  std::string url;  // https; http only to addresses of allow_addresses; of kFiles a directory
  std::vector<std::string> allow_addresses;  // that may be reached although they are private
  bool paused = false;                       // nothing is taken in; what waits, waits
  int epoch_days = 90;                       // ids change after so long
  int keep_epoch_days = 0;  // an ended epoch's key is destroyed after so long; 0: when told to
  TimePrecision time = TimePrecision::kDay;
  PeopleShare share;                    // whose events and profiles it gets
  std::vector<VendorEvent> events;      // the first that matches counts
  std::vector<VendorField> profile;     // of profile updates; empty: no profiles are sent
  std::vector<std::string> identities;  // fields of the vault that go along, such as "$email"
  std::string identity_purpose;         // one that vault.conf allows; beside `identities`
  uint32_t canaries = 0;                // invented subjects of an epoch, about so many
  std::string canary_domain;            // of their addresses; empty: they have none
  uint32_t sends_per_second = 1000;     // messages
  uint32_t queue_mb = 1024;             // what may wait
  uint32_t keep_queue_days = 7;         // and for how long

  friend bool operator==(const VendorPolicy&, const VendorPolicy&) = default;
};

// By name: letters, digits, '-', '_', '.'.
using VendorPolicies = std::map<std::string, VendorPolicy>;

}  // namespace bulkhead
