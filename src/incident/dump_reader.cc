#include "incident/dump_reader.h"

#include <algorithm>

namespace bulkhead {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool IsDelimiter(char c) { return c == ',' || c == ';' || c == '\t' || c == '|'; }

}  // namespace

void DumpReader::Feed(std::string_view bytes) {
  bytes_ += bytes.size();
  if (kind_ == Kind::kUnknown) bytes = Decide(bytes);
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const bool whole = end != std::string_view::npos;
    // Pieces, so that a line without an end is not held as a whole.
    const size_t room = kMaxRecordBytes - held_.size();
    const size_t size = std::min({whole ? end + 1 : bytes.size(), bytes.size(), room});
    ReadLine(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
}

void DumpReader::Finish() {
  if (!held_.empty()) Emit(held_);
  held_.clear();
}

// White space and a byte order mark in front of everything are no part of the first record.
std::string_view DumpReader::Decide(std::string_view bytes) {
  const size_t first = bytes.find_first_not_of(std::string(" \t\r\n").append(kByteOrderMark));
  if (first == std::string_view::npos) return {};
  kind_ = bytes[first] == '{' || bytes[first] == '[' ? Kind::kJson : Kind::kCsv;
  return bytes.substr(first);
}

// A line with its end, or a piece of one. An end inside of quotes does not end the record.
void DumpReader::ReadLine(std::string_view line) {
  const bool ended = line.back() == '\n';
  if (kind_ == Kind::kCsv &&
      (quote_ != Quote::kFieldStart || !ended || line.find('"') != std::string_view::npos)) {
    for (const char c : line) {
      switch (quote_) {
        case Quote::kFieldStart:
          if (c == '"') {
            quote_ = Quote::kInside;
          } else if (!IsDelimiter(c) && c != '\n') {
            quote_ = Quote::kPlain;
          }
          break;
        case Quote::kInside:
          if (c == '"') quote_ = Quote::kAfterQuote;
          break;
        case Quote::kAfterQuote:
          quote_ = c == '"' ? Quote::kInside : Quote::kPlain;
          [[fallthrough]];
        case Quote::kPlain:
          if (quote_ == Quote::kPlain && (IsDelimiter(c) || c == '\n')) {
            quote_ = Quote::kFieldStart;
          }
          break;
      }
    }
  }
  const bool too_long = held_.size() + line.size() >= kMaxRecordBytes;
  if (!too_long && (!ended || quote_ == Quote::kInside)) {
    held_ += line;
    return;
  }
  if (held_.empty()) {
    Emit(line);
  } else {
    held_ += line;
    Emit(held_);
    held_.clear();
  }
  if (too_long) ++cut_;
  if (too_long || ended) quote_ = Quote::kFieldStart;
}

void DumpReader::Emit(std::string_view record) {
  while (!record.empty() && (record.back() == '\n' || record.back() == '\r')) {
    record.remove_suffix(1);
  }
  const std::string_view nothing = kind_ == Kind::kJson ? " \t[]," : " \t";
  if (record.find_first_not_of(nothing) != std::string_view::npos) each_(record);
}

}  // namespace bulkhead
