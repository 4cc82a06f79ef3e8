#include "wire/json_reader.h"

#include <strings.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <charconv>
#include <cmath>
#include <memory>

#include "base/limits.h"
#include "wire/json_repair.h"

namespace bulkhead {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr size_t kKeptParserBytes = 4UL * 1024 * 1024;  // a parser takes some 14 times its capacity
constexpr size_t kLinearNames = 24;
constexpr double kFirstMilliseconds = 1e11;  // as seconds the year 5138, as milliseconds 1973
constexpr double kMaxMilliseconds = 1e14;

// A parser and a padded copy of the text, kept from request to request.
struct ParserSpace {
  simdjson::dom::parser parser;
  std::string text;
};

// One per thread. What is kept holds nothing of what was parsed: neither the text nor the copies
// that the parser makes of its strings and numbers. One that grew for a rare large body is given
// back.
class ThreadParser {
 public:
  ThreadParser() {
    if (!Slot()) Slot() = std::make_unique<ParserSpace>();
  }
  ~ThreadParser() {
    if (Slot()->parser.capacity() > kKeptParserBytes) {
      Slot().reset();
    } else {
      WipeSpace();
    }
  }
  ThreadParser(const ThreadParser&) = delete;
  ThreadParser& operator=(const ThreadParser&) = delete;

  // The element is good until the next call.
  bool Parse(std::string_view text, element* root) {
    std::string& padded = Slot()->text;
    padded.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    padded.assign(text);
    longest_ = std::max(longest_, text.size());
    const bool parsed =
        Slot()->parser.parse(padded.data(), padded.size(), false).get(*root) == simdjson::SUCCESS;
    return parsed;
  }

 private:
  static std::unique_ptr<ParserSpace>& Slot() {
    thread_local std::unique_ptr<ParserSpace> space;
    return space;
  }
  // Never more than what can have been used: strings take at most 5/3 of the text (three bytes
  // of it, `"",`, become five), the tape a word for each byte and three around them.
  void WipeSpace() const {
    if (longest_ == 0) return;
    ParserSpace& space = *Slot();
    space.text.resize(longest_);
    explicit_bzero(space.text.data(), longest_);
    space.text.clear();
    const size_t capacity = space.parser.capacity();
    const size_t strings = std::min(longest_, capacity) * 5 / 3;
    if (space.parser.doc.string_buf) explicit_bzero(space.parser.doc.string_buf.get(), strings);
    const size_t words = std::min(longest_, capacity) + 3;
    if (space.parser.doc.tape) {
      explicit_bzero(space.parser.doc.tape.get(), words * sizeof(uint64_t));
    }
  }

  size_t longest_ = 0;
};

// Parses `text`, if need be as RepairJson leaves it, which is then kept in `repaired`.
bool Parse(std::string_view text, ThreadParser* parser, element* root, std::string* repaired) {
  if (parser->Parse(text, root)) return true;
  std::optional<std::string> better = RepairJson(text, limits::kMaxInflatedBytes);
  if (!better) return false;
  *repaired = std::move(*better);
  return parser->Parse(*repaired, root);
}

Error TooMany(size_t max_records) {
  return Error{ErrorCode::kLimit,
               "request exceeds max limit of " + std::to_string(max_records) + " records"};
}

Result<void> ForEachLine(std::string_view text, size_t max_records, const RecordVisitor& visit) {
  ThreadParser parser;
  std::string repaired;
  size_t index = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (index == max_records) return TooMany(max_records);
    element root;
    visit(index++, Parse(line, &parser, &root, &repaired) ? &root : nullptr);
  }
  return {};
}

// An array that is no JSON: the elements that are, each parsed alone.
Result<void> ForEachPart(std::string_view text, size_t max_records, const RecordVisitor& visit) {
  ThreadParser parser;
  ArraySplitter parts(text);
  size_t index = 0;
  while (const std::optional<std::string_view> part = parts.Next()) {
    if (index == max_records) return TooMany(max_records);
    element root;
    visit(index++, parser.Parse(*part, &root) ? &root : nullptr);
  }
  return {};
}

Result<void> ForEachElement(const element& root, size_t max_records, const RecordVisitor& visit) {
  if (root.type() == element_type::OBJECT) {
    visit(0, &root);
    return {};
  }
  simdjson::dom::array records;
  if (root.get_array().get(records) != simdjson::SUCCESS) {
    return Error{ErrorCode::kInvalid,
                 "request body is invalid: must be an object or an array of objects"};
  }
  size_t index = 0;
  for (const element record : records) {
    if (index == max_records) return TooMany(max_records);
    visit(index++, &record);
  }
  return {};
}

size_t NumberBytes(double number) {
  return number == std::floor(number) && std::fabs(number) < 1e6 ? 4 : 12;
}

}  // namespace

Result<void> ForEachRecord(std::string_view json, const RecordOptions& options,
                           const RecordVisitor& visit) {
  const size_t first = json.find_first_not_of(" \t\r\n");
  // An array sent under the name of NDJSON is still an array.
  const bool may_be_array = first != std::string_view::npos && json[first] == '[';
  if (options.newline_delimited && !may_be_array)
    return ForEachLine(json, options.max_records, visit);
  std::string repaired;
  {
    ThreadParser parser;
    element root;
    if (Parse(json, &parser, &root, &repaired))
      return ForEachElement(root, options.max_records, visit);
  }
  const std::string_view text = repaired.empty() ? json : std::string_view(repaired);
  if (ArraySplitter::IsArray(text)) return ForEachPart(text, options.max_records, visit);
  if (options.newline_delimited) return ForEachLine(json, options.max_records, visit);
  return Error{ErrorCode::kInvalid, "request body is not valid JSON"};
}

bool ValueReader::Read(const element& item, Value* value) {
  const size_t before = bytes_;
  if (!ReadNested(item, 0, value)) return false;
  if ((value->is_list() || value->is_object()) && bytes_ - before > max_composite_bytes_) {
    return Refuse("a list or object is too large");
  }
  return true;
}

bool ValueReader::ReadMember(const simdjson::dom::key_value_pair& member, ValueObject* object) {
  if (member.key.size() > limits::kMaxPropertyNameBytes)
    return Refuse("a property name is too long");
  bytes_ += member.key.size() + 4;
  auto& [name, value] = object->emplace_back();
  name.assign(member.key);
  return Read(member.value, &value);
}

bool ValueReader::ReadNested(const element& item, int depth, Value* value) {
  switch (item.type()) {
    case element_type::STRING: {
      const std::string_view text = item.get_string().value_unsafe();
      bytes_ += text.size() + 2;
      *value = Value(text);
      return true;
    }
    case element_type::BOOL:
      bytes_ += 5;
      *value = Value(item.get_bool().value_unsafe());
      return true;
    case element_type::NULL_VALUE:
      bytes_ += 4;
      *value = Value();
      return true;
    case element_type::ARRAY:
      return ReadList(item.get_array().value_unsafe(), depth + 1, value);
    case element_type::OBJECT:
      return ReadObject(item.get_object().value_unsafe(), depth + 1, value);
    default: {
      const double number = item.get_double().value_unsafe();
      bytes_ += NumberBytes(number);
      *value = Value(number);
      return true;
    }
  }
}

bool ValueReader::ReadList(const simdjson::dom::array& array, int depth, Value* value) {
  if (depth > limits::kMaxNestingDepth) return Refuse("a value is nested too deeply");
  if (array.size() > limits::kMaxElementsPerList) return Refuse("a list has too many elements");
  ValueList list;
  list.reserve(array.size());
  bytes_ += 2;
  for (const element item : array) {
    ++bytes_;
    if (!ReadNested(item, depth, &list.emplace_back())) return false;
  }
  *value = Value(std::move(list));
  return true;
}

bool ValueReader::ReadObject(const simdjson::dom::object& object, int depth, Value* value) {
  if (depth > limits::kMaxNestingDepth) return Refuse("a value is nested too deeply");
  if (object.size() > limits::kMaxKeysPerObject) return Refuse("an object has too many keys");
  ValueObject members;
  members.reserve(object.size());
  bytes_ += 2;
  for (const simdjson::dom::key_value_pair member : object) {
    if (member.key.size() > limits::kMaxPropertyNameBytes)
      return Refuse("a property name is too long");
    bytes_ += member.key.size() + 4;
    auto& [name, item] = members.emplace_back();
    name.assign(member.key);
    if (!ReadNested(member.value, depth, &item)) return false;
  }
  KeepLastOfEqualNames(&members);
  *value = Value(std::move(members));
  return true;
}

void KeepLastOfEqualNames(ValueObject* object) {
  ValueObject& members = *object;
  bool found = false;
  if (members.size() <= kLinearNames) {
    for (size_t i = 1; i < members.size() && !found; ++i) {
      for (size_t k = 0; k < i && !found; ++k) found = members[i].first == members[k].first;
    }
  } else {
    boost::unordered_flat_map<std::string_view, bool> seen;
    for (const auto& [name, value] : members) found = !seen.emplace(name, true).second || found;
  }
  if (!found) return;
  boost::unordered_flat_map<std::string, size_t> place;
  ValueObject kept;
  for (auto& [name, value] : members) {
    const auto [where, is_new] = place.emplace(name, kept.size());
    if (is_new) {
      kept.emplace_back(std::move(name), std::move(value));
    } else {
      kept[where->second].second = std::move(value);
    }
  }
  members = std::move(kept);
}

std::optional<std::string> ReadIdentifier(const element& item) {
  if (item.is_string()) return std::string(item.get_string().value_unsafe());
  if (item.is_int64()) return std::to_string(item.get_int64().value_unsafe());
  if (item.is_uint64()) return std::to_string(item.get_uint64().value_unsafe());
  if (item.is_double()) {
    std::string text;
    AppendJsonNumber(item.get_double().value_unsafe(), &text);
    return text;
  }
  return std::nullopt;
}

bool IsTruthy(const element& item) {
  switch (item.type()) {
    case element_type::NULL_VALUE:
      return false;
    case element_type::BOOL:
      return item.get_bool().value_unsafe();
    case element_type::STRING:
      return !item.get_string().value_unsafe().empty();
    case element_type::ARRAY:
      return item.get_array().value_unsafe().size() != 0;
    case element_type::OBJECT:
      return item.get_object().value_unsafe().size() != 0;
    default:
      return item.get_double().value_unsafe() != 0.0;
  }
}

std::optional<int64_t> ReadTimeMs(const element& item) {
  double number = 0;
  if (item.is_string()) {
    const std::string_view text = item.get_string().value_unsafe();
    const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  } else if (item.is_number()) {
    number = item.get_double().value_unsafe();
  } else {
    return std::nullopt;
  }
  if (!std::isfinite(number)) return std::nullopt;
  const double milliseconds = std::fabs(number) < kFirstMilliseconds ? number * 1000 : number;
  if (milliseconds < -kMaxMilliseconds) return std::nullopt;
  if (milliseconds > kMaxMilliseconds) return std::llround(kMaxMilliseconds);
  return std::llround(milliseconds);
}

}  // namespace bulkhead
