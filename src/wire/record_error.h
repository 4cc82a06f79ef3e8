// One refused record of a request. The message names field and rule, never a value.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bulkhead {

struct RecordError {
  size_t index = 0;       // in the request, from 0
  std::string insert_id;  // the caller's own, as sent; empty if none
  std::string field;
  std::string message;
};

// "'<field>' is invalid: <rule>"
RecordError InvalidField(size_t index, std::string field, const char* rule);

// Ids that SDKs send by mistake for everybody, so that they would join all people to one: "null",
// "undefined", ...
bool IsForbiddenId(std::string_view id);

}  // namespace bulkhead
