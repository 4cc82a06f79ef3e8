// A leaked file as records, however it arrives: CSV (with a quoted field over several lines) or a
// JSON object a line, told apart by the first character. In bounded memory; never fails, since a
// thief's file need not be well formed: what cannot be told apart stays one record. Safe on
// arbitrary bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace bulkhead {

class DumpReader {
 public:
  static constexpr size_t kMaxRecordBytes = 1024UL * 1024;

  // Called once for each record, without its line end; the text is valid during the call. Lines
  // that are empty, and brackets alone in JSON, are no records.
  using EachRecord = std::function<void(std::string_view)>;
  explicit DumpReader(EachRecord each) : each_(std::move(each)) {}

  void Feed(std::string_view bytes);
  void Finish();  // what stands behind the last line end

  [[nodiscard]] uint64_t bytes() const { return bytes_; }
  // Records longer than kMaxRecordBytes, which count as several.
  [[nodiscard]] uint64_t cut() const { return cut_; }
  [[nodiscard]] bool is_json() const { return kind_ == Kind::kJson; }

 private:
  enum class Kind : unsigned char { kUnknown = 0, kCsv, kJson };
  enum class Quote : unsigned char { kFieldStart = 0, kPlain, kInside, kAfterQuote };

  std::string_view Decide(std::string_view bytes);  // what is left of them
  void ReadLine(std::string_view line);
  void Emit(std::string_view record);

  EachRecord each_;
  Kind kind_ = Kind::kUnknown;
  Quote quote_ = Quote::kFieldStart;
  std::string held_;  // of a record that is not at its end
  uint64_t bytes_ = 0;
  uint64_t cut_ = 0;
};

}  // namespace bulkhead
