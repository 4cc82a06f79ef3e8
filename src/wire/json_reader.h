// Inside wire/ only: records of a JSON text by simdjson, and its values as Value. One parser per
// thread.
#pragma once

#include <simdjson.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/value.h"

namespace bulkhead {

// Calls `visit` with each record: the members of an array, the one object, or the lines. What
// wire/json_repair.h can mend is mended. An absent element is a line or a member that is no JSON
// all the same. An error: the text as a whole is no JSON, or has more than `max_records` (kLimit).
using RecordVisitor = std::function<void(size_t index, const simdjson::dom::element* record)>;
struct RecordOptions {
  bool newline_delimited = false;
  size_t max_records = 0;
};
Result<void> ForEachRecord(std::string_view json, const RecordOptions& options,
                           const RecordVisitor& visit);

// Copies values under the limits on nesting, counts and sizes. Sizes are those of compact JSON,
// nearly.
class ValueReader {
 public:
  explicit ValueReader(size_t max_composite_bytes) : max_composite_bytes_(max_composite_bytes) {}

  // False: reason() says which limit. To be called for one property's value.
  bool Read(const simdjson::dom::element& element, Value* value);
  // Adds or, where the name is there already, replaces: the last one wins.
  bool ReadMember(const simdjson::dom::key_value_pair& member, ValueObject* object);

  [[nodiscard]] const char* reason() const { return reason_; }
  // Of everything read so far.
  [[nodiscard]] size_t bytes() const { return bytes_; }
  // Adds what the caller read itself.
  void Count(size_t bytes) { bytes_ += bytes; }

 private:
  bool ReadNested(const simdjson::dom::element& element, int depth, Value* value);
  bool ReadList(const simdjson::dom::array& array, int depth, Value* value);
  bool ReadObject(const simdjson::dom::object& object, int depth, Value* value);
  bool Refuse(const char* reason) {
    reason_ = reason;
    return false;
  }

  size_t max_composite_bytes_;
  size_t bytes_ = 0;
  const char* reason_ = "";
};

// Keeps the last of members with the same name.
void KeepLastOfEqualNames(ValueObject* object);

// A string, or a number as text; nothing for other kinds.
std::optional<std::string> ReadIdentifier(const simdjson::dom::element& element);
// Null, false, 0, "", [] and {} are not; everything else is.
bool IsTruthy(const simdjson::dom::element& element);
// Seconds or milliseconds since 1970, whole or with a fraction, also as text; what is later than
// the year 5138, such as microseconds, as the end of that. Nothing where it is no such number.
std::optional<int64_t> ReadTimeMs(const simdjson::dom::element& element);

}  // namespace bulkhead
