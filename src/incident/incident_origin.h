// What an incident is about, apart from its window: at whom data was exposed, and what is known of
// how it got out. Part of a version (incident/incident_record.h); docs/formats/incident.md draws
// the bytes. Plain data and its codec; safe on arbitrary bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_codec.h"

namespace bulkhead {

enum class IncidentKind : uint8_t {
  kVendor = 0,  // what a vendor was sent
  kMember,      // what an account or an operator was shown
  kCredential,  // what a thief of one could read: of a service account, or of a vendor
  kExport,      // what one export handed out
  kOurselves    // what lies in a compartment
};
std::string_view IncidentKindName(IncidentKind kind);

// A file that came to light, as `incident match` read it.
struct FoundFile {
  std::string name;
  std::array<uint8_t, 32> sha256{};
  uint64_t bytes = 0;
  uint64_t records = 0;
  uint64_t genuine_records = 0;
  uint64_t subjects = 0;  // of this vendor and epoch, whose ids are in it
  uint64_t canaries = 0;
  friend bool operator==(const FoundFile&, const FoundFile&) = default;
};

// An entry of the audit log that says that persons were shown.
struct IncidentRead {
  uint64_t entry = 0;  // its index
  int64_t at_ms = 0;
  std::string action;
  uint64_t subjects = 0;  // without those that were erased since
  friend bool operator==(const IncidentRead&, const IncidentRead&) = default;
};
inline constexpr size_t kMaxIncidentReads = 10'000;  // of a version; further ones are counted

struct IncidentOrigin {
  IncidentKind kind = IncidentKind::kVendor;
  // The actor, the account, the export or the part of ourselves; of a vendor, or its credential,
  // nothing: the window names it.
  std::string party;
  std::vector<FoundFile> leaked;
  std::vector<IncidentRead> reads;
  uint64_t reads_left_out = 0;
  std::vector<std::string> remarks;  // on what the numbers leave open
  friend bool operator==(const IncidentOrigin&, const IncidentOrigin&) = default;
};

void WriteOrigin(const IncidentOrigin& origin, ByteWriter* out);
IncidentOrigin ReadOrigin(ByteReader* in);
// Whether all of it is something that can be: for what was read.
bool IsSound(const IncidentOrigin& origin);

}  // namespace bulkhead
