// One event or profile update as one vendor gets it: the id is this vendor's own of this epoch, and
// only fields that its policy names are in it. Plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/ids.h"
#include "model/value.h"
#include "model/vendor_policy.h"

namespace bulkhead {

struct OutboundField {
  std::string name;
  Value value;
  FieldForm form = FieldForm::kPlain;
};

struct OutboundMessage {
  enum class Kind : unsigned char { kEvent = 1, kProfile };

  Kind kind = Kind::kEvent;
  std::string id;       // 32 hexadecimal digits, the same at every attempt, of no meaning elsewhere
  SubjectId vendor_id;  // whose it is, as this vendor knows them; nobody: of no person
  std::string name;     // the event's; empty for profiles
  int64_t time_ms = 0;  // coarsened as the policy says
  std::vector<OutboundField> fields;
};

}  // namespace bulkhead
