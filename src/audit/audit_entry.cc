#include "audit/audit_entry.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "base/hex.h"

namespace bulkhead {
namespace {

constexpr int64_t kMaxTimeMs = 253402300799999;  // the last moment with a year of four digits

// The length of the UTF-8 character at the front, or 0 where there is none (overlong, surrogate,
// beyond Unicode, cut).
size_t CharacterBytes(std::string_view text) {
  const auto at = [&](size_t i) {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
  };
  const auto follows = [&](size_t i) { return (at(i) & 0xC0) == 0x80; };
  const uint8_t first = at(0);
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xC2 && first <= 0xDF) {
    return follows(1) ? 2 : 0;
  }
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && at(1) < 0xA0;
    const bool surrogate = first == 0xED && at(1) > 0x9F;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && at(1) < 0x90;
    const bool beyond = first == 0xF4 && at(1) > 0x8F;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

// Control characters are refused, so that '"' and '\' are the only ones that JSON needs to escape.
bool IsPlainText(std::string_view text, size_t max_bytes) {
  if (text.size() > max_bytes) {
    return false;
  }
  while (!text.empty()) {
    const auto first = static_cast<uint8_t>(text.front());
    const size_t bytes = CharacterBytes(text);
    if (bytes == 0 || first < 0x20 || first == 0x7F || first == '@') {
      return false;
    }
    text.remove_prefix(bytes);
  }
  return true;
}

std::string Timestamp(int64_t ms) {
  using std::chrono::days, std::chrono::milliseconds;
  const std::chrono::sys_time<milliseconds> time{milliseconds(ms)};
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[48];
  std::snprintf(
      text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

// Loose: ReadAuditRecord compares the whole entry with its one right spelling afterwards.
std::optional<int64_t> ParseTimestamp(const std::string& text) {
  int year = 0;
  unsigned month = 0, day = 0;
  int hour = 0, minute = 0, second = 0, ms = 0;
  if (text.size() != 24 || std::sscanf(text.c_str(), "%4d-%2u-%2uT%2d:%2d:%2d.%3dZ", &year, &month,
                                       &day, &hour, &minute, &second, &ms) != 7) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) {
    return std::nullopt;
  }
  const std::chrono::sys_time<std::chrono::milliseconds> time =
      std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
      std::chrono::seconds(second) + std::chrono::milliseconds(ms);
  return time.time_since_epoch().count();
}

void AppendText(std::string_view text, std::string* out) {
  out->push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out->push_back('\\');
    }
    out->push_back(c);
  }
  out->push_back('"');
}

// ,"key":"value", unless the value is empty.
void AppendOptional(std::string_view key, std::string_view value, std::string* out) {
  if (!value.empty()) {
    *out += ",\"" + std::string(key) + "\":";
    AppendText(value, out);
  }
}

void AppendSet(const SubjectSetRoot& set, std::string* out) {
  *out += ",\"set\":{\"count\":" + std::to_string(set.count) + ",\"root\":\"" +
          HexEncode(set.root) + "\",\"salt\":\"" + HexEncode(set.salt) + "\"}";
}

template <typename List, typename Write>
void AppendList(std::string_view key, const List& list, Write write, std::string* out) {
  if (list.empty()) {
    return;
  }
  *out += ",\"" + std::string(key) + "\":";
  char before = '[';
  for (const auto& item : list) {
    out->push_back(before);
    write(item);
    before = ',';
  }
  out->push_back(']');
}

// Takes an entry apart in the order of its keys. After a mismatch ok() is false and the rest is
// empty.
class RecordReader {
 public:
  explicit RecordReader(std::string_view text) : rest_(text) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool AtEnd() const { return rest_.empty(); }

  bool TryTake(std::string_view literal) {
    if (!rest_.starts_with(literal)) {
      return false;
    }
    rest_.remove_prefix(literal.size());
    return true;
  }
  void Take(std::string_view literal) {
    if (!TryTake(literal)) {
      Fail();
    }
  }
  std::string Text() {
    Take("\"");
    std::string text;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') {
        rest_.remove_prefix(1);
      }
      if (!rest_.empty()) {
        text.push_back(rest_.front());
        rest_.remove_prefix(1);
      }
    }
    Take("\"");
    return text;
  }
  template <typename T>
  T Number() {
    T number = 0;
    const auto [end, code] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (code != std::errc()) {
      Fail();
      return 0;
    }
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return number;
  }
  void Fail() {
    ok_ = false;
    rest_ = {};
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

void ReadSubjects(RecordReader* reader, std::vector<SubjectId>* subjects) {
  reader->Take("[");
  do {
    const std::optional<SubjectId> subject = SubjectId::FromHex(reader->Text());
    if (!subject) {
      reader->Fail();
      return;
    }
    subjects->push_back(*subject);
  } while (reader->TryTake(","));
  reader->Take("]");
}

std::optional<std::array<uint8_t, 32>> ReadDigits(RecordReader* reader, size_t bytes) {
  const std::optional<std::string> read = HexDecode(reader->Text());
  std::array<uint8_t, 32> out{};
  if (!read || read->size() != bytes) {
    reader->Fail();
    return std::nullopt;
  }
  std::memcpy(out.data(), read->data(), bytes);
  return out;
}

void ReadSet(RecordReader* reader, std::optional<SubjectSetRoot>* out) {
  SubjectSetRoot set;
  reader->Take("{\"count\":");
  set.count = reader->Number<uint64_t>();
  reader->Take(",\"root\":");
  const auto root = ReadDigits(reader, set.root.size());
  reader->Take(",\"salt\":");
  const auto salt = ReadDigits(reader, set.salt.size());
  reader->Take("}");
  if (root && salt) {
    set.root = *root;
    std::memcpy(set.salt.data(), salt->data(), set.salt.size());
    *out = set;
  }
}

void ReadFields(RecordReader* reader, std::vector<std::string>* fields) {
  reader->Take("[");
  do {
    fields->push_back(reader->Text());
  } while (reader->TryTake(","));
  reader->Take("]");
}

AuditRecord ReadInOrder(RecordReader* reader, std::optional<int64_t>* ts) {
  AuditRecord record;
  AuditEntry& entry = record.entry;
  reader->Take("{\"action\":");
  entry.action = reader->Text();
  reader->Take(",\"actor\":");
  entry.actor = reader->Text();
  if (reader->TryTake(",\"approval\":")) {
    entry.approval = reader->Text();
  }
  if (reader->TryTake(",\"budget_left\":")) {
    entry.budget_left = reader->Number<uint64_t>();
  }
  reader->Take(",\"count\":");
  entry.count = reader->Number<uint64_t>();
  if (reader->TryTake(",\"fields\":")) {
    ReadFields(reader, &entry.fields);
  }
  reader->Take(",\"index\":");
  record.index = reader->Number<uint64_t>();
  reader->Take(",\"outcome\":");
  entry.outcome = reader->Text();
  if (reader->TryTake(",\"policy\":")) {
    entry.policy = reader->Text();
  }
  reader->Take(",\"project\":");
  entry.project = reader->Number<uint32_t>();
  if (reader->TryTake(",\"purpose\":")) {
    entry.purpose = reader->Text();
  }
  if (reader->TryTake(",\"scope\":")) {
    entry.scope = reader->Text();
  }
  if (reader->TryTake(",\"set\":")) {
    ReadSet(reader, &record.set);
  }
  if (reader->TryTake(",\"subjects\":")) {
    ReadSubjects(reader, &entry.subjects);
  }
  reader->Take(",\"ts\":");
  *ts = ParseTimestamp(reader->Text());
  reader->Take(",\"v\":2}");
  return record;
}

}  // namespace

std::optional<std::string> FaultOfEntry(const AuditEntry& entry) {
  if (entry.actor.empty() || entry.action.empty()) {
    return "an audit entry needs an actor and an action";
  }
  for (const std::string* text : {&entry.actor, &entry.action, &entry.purpose, &entry.scope,
                                  &entry.outcome, &entry.approval, &entry.policy}) {
    if (!IsPlainText(*text, kMaxAuditTextBytes)) {
      return "a text of an audit entry is longer than 500 bytes, not printable, or has an '@'";
    }
  }
  if (entry.fields.size() > kMaxAuditFields) {
    return "an audit entry names at most 64 fields";
  }
  for (const std::string& field : entry.fields) {
    if (!IsPlainText(field, kMaxAuditFieldBytes)) {
      return "a field's name is longer than 100 bytes, not printable, or has an '@'";
    }
  }
  if (entry.subjects.size() > kMaxAuditSubjects) {
    return "an audit entry concerns at most 16,777,216 subjects";
  }
  if (entry.action == kEraseAction && entry.subjects.size() > kMaxNamedSubjects) {
    return "an erasure names at most 1000 subjects an entry";
  }
  return std::nullopt;
}

std::string WriteAuditRecord(const AuditRecord& record) {
  const AuditEntry& entry = record.entry;
  std::string out = "{\"action\":";
  AppendText(entry.action, &out);
  out += ",\"actor\":";
  AppendText(entry.actor, &out);
  AppendOptional("approval", entry.approval, &out);
  if (entry.budget_left) {
    out += ",\"budget_left\":" + std::to_string(*entry.budget_left);
  }
  out += ",\"count\":" + std::to_string(entry.count);
  AppendList(
      "fields", entry.fields, [&](const std::string& field) { AppendText(field, &out); }, &out);
  out += ",\"index\":" + std::to_string(record.index) + ",\"outcome\":";
  AppendText(entry.outcome, &out);
  AppendOptional("policy", entry.policy, &out);
  out += ",\"project\":" + std::to_string(entry.project);
  AppendOptional("purpose", entry.purpose, &out);
  AppendOptional("scope", entry.scope, &out);
  if (record.set) {
    AppendSet(*record.set, &out);
  }
  AppendList(
      "subjects", entry.subjects,
      [&](const SubjectId& subject) { out += '"' + HexEncode(subject.bytes) + '"'; }, &out);
  out += ",\"ts\":\"" + Timestamp(record.ts_ms) + "\",\"v\":2}";
  return out;
}

std::optional<AuditRecord> ReadAuditRecord(std::string_view text) {
  RecordReader reader(text);
  std::optional<int64_t> ts;
  AuditRecord record = ReadInOrder(&reader, &ts);
  if (!reader.ok() || !reader.AtEnd() || !ts || *ts < 0 || *ts > kMaxTimeMs ||
      FaultOfEntry(record.entry) ||
      (record.entry.action != kEraseAction && !record.entry.subjects.empty())) {
    return std::nullopt;
  }
  record.ts_ms = *ts;
  return WriteAuditRecord(record) == text ? std::optional(std::move(record)) : std::nullopt;
}

}  // namespace bulkhead
