// Pieces of JSON that the interfaces of several vendors have in common. Pure.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "egress/outbound_message.h"

namespace bulkhead {

// Under which a vendor that takes nothing without a person gets what belongs to nobody: it counts
// in totals, and all of it as one person.
inline constexpr std::string_view kNobody = "nobody";
std::string PersonOf(const OutboundMessage& message);

// Why a vendor cannot be told of this message; nothing: it can. `joining`: the names of events by
// which this vendor would join ids, or change a profile.
std::optional<std::string_view> WhyUnsayable(const OutboundMessage& message,
                                             std::span<const std::string_view> joining = {});

// Adds one member to an object that is being written.
void AppendMember(std::string_view name, std::string_view text, std::string* json);
void AppendMember(std::string_view name, const Value& value, std::string* json);

// How most vendors call direct identifiers.
using NamePair = std::pair<std::string_view, std::string_view>;
inline constexpr std::array<NamePair, 6> kPlainIdentities = {{{"$email", "email"},
                                                              {"$name", "name"},
                                                              {"$first_name", "first_name"},
                                                              {"$last_name", "last_name"},
                                                              {"$phone", "phone"},
                                                              {"$avatar", "avatar"}}};

struct FieldNaming {
  // Names by which the interface would take a field for something else, such as another id of the
  // person: such a field is left out.
  std::span<const std::string_view> taken;
  std::span<const NamePair> identities;  // those that are not named here keep their names
};
// Each name once: the last field of that name.
void AppendFields(const std::vector<OutboundField>& fields, const FieldNaming& naming,
                  std::string* json);

// 2026-01-15T08:30:00.000Z. Times before 1970 or after the year 9999 as the nearer end of that.
std::string IsoTime(int64_t time_ms);
// A whole message as webhooks and files have it.
std::string MessageJson(const OutboundMessage& message);

// 32 hexadecimal digits in the groups of a UUID.
std::string UuidOf(std::string_view hex32);

}  // namespace bulkhead
