#include "audit/audit_line.h"

#include <charconv>
#include <chrono>
#include <cstdio>

#include "base/hex.h"
#include "crypto/crypto.h"

namespace bulkhead {
namespace {

constexpr std::string_view kHashDomain = "bulkhead audit v1\n";
constexpr size_t kHashDigits = 64;
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
bool IsPlainText(std::string_view text) {
  if (text.size() > kMaxAuditTextBytes) {
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

bool IsHash(std::string_view text) {
  return text.size() == kHashDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
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

// Loose: ReadAuditLine compares the whole line with its one right spelling afterwards.
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

std::string Serialise(const AuditLine& line, bool with_hash) {
  std::string out = "{\"action\":";
  AppendText(line.entry.action, &out);
  out += ",\"actor\":";
  AppendText(line.entry.actor, &out);
  out += ",\"count\":" + std::to_string(line.entry.count);
  if (with_hash) {
    out += ",\"hash\":\"" + line.hash + '"';
  }
  out += ",\"outcome\":";
  AppendText(line.entry.outcome, &out);
  out += ",\"prev\":\"" + line.prev + "\",\"project\":" + std::to_string(line.entry.project) +
         ",\"purpose\":";
  AppendText(line.entry.purpose, &out);
  out += ",\"scope\":";
  AppendText(line.entry.scope, &out);
  out += ",\"seq\":" + std::to_string(line.seq) + ",\"subjects\":[";
  for (const SubjectId& subject : line.entry.subjects) {
    out += (out.back() == '[' ? "\"" : ",\"") + HexEncode(subject.bytes) + '"';
  }
  out += "],\"ts\":\"" + Timestamp(line.ts_ms) + "\",\"v\":1}";
  return out;
}

std::string HashOf(const AuditLine& line) {
  return HexEncode(Sha256(std::string(kHashDomain) + Serialise(line, false)));
}

// Takes a line apart in the order of its keys. After a mismatch ok() is false and the rest is
// empty.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : rest_(text) {}
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

void ReadSubjects(LineReader* reader, std::vector<SubjectId>* subjects) {
  reader->Take("[");
  if (reader->TryTake("]")) {
    return;
  }
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

}  // namespace

std::string ZeroAuditHash() { return std::string(kHashDigits, '0'); }

std::optional<std::string> FaultOfEntry(const AuditEntry& entry) {
  if (entry.actor.empty() || entry.action.empty()) {
    return "an audit entry needs an actor and an action";
  }
  for (const std::string* text :
       {&entry.actor, &entry.action, &entry.purpose, &entry.scope, &entry.outcome}) {
    if (!IsPlainText(*text)) {
      return "a text of an audit entry is longer than 500 bytes, not printable, or has an '@'";
    }
  }
  if (entry.subjects.size() > kMaxAuditSubjects) {
    return "an audit entry names at most 1000 subjects; give a count and a scope";
  }
  return std::nullopt;
}

std::string WriteAuditLine(AuditLine* line) {
  line->hash = HashOf(*line);
  return Serialise(*line, true);
}

std::optional<AuditLine> ReadAuditLine(std::string_view text) {
  LineReader reader(text);
  AuditLine line;
  reader.Take("{\"action\":");
  line.entry.action = reader.Text();
  reader.Take(",\"actor\":");
  line.entry.actor = reader.Text();
  reader.Take(",\"count\":");
  line.entry.count = reader.Number<uint64_t>();
  reader.Take(",\"hash\":");
  line.hash = reader.Text();
  reader.Take(",\"outcome\":");
  line.entry.outcome = reader.Text();
  reader.Take(",\"prev\":");
  line.prev = reader.Text();
  reader.Take(",\"project\":");
  line.entry.project = reader.Number<uint32_t>();
  reader.Take(",\"purpose\":");
  line.entry.purpose = reader.Text();
  reader.Take(",\"scope\":");
  line.entry.scope = reader.Text();
  reader.Take(",\"seq\":");
  line.seq = reader.Number<uint64_t>();
  reader.Take(",\"subjects\":");
  ReadSubjects(&reader, &line.entry.subjects);
  reader.Take(",\"ts\":");
  const std::optional<int64_t> ts = ParseTimestamp(reader.Text());
  reader.Take(",\"v\":1}");
  if (!reader.ok() || !reader.AtEnd() || !ts || *ts < 0 || *ts > kMaxTimeMs ||
      FaultOfEntry(line.entry) || !IsHash(line.prev) || !IsHash(line.hash)) {
    return std::nullopt;
  }
  line.ts_ms = *ts;
  if (Serialise(line, true) != text || HashOf(line) != line.hash) {
    return std::nullopt;
  }
  return line;
}

}  // namespace bulkhead
