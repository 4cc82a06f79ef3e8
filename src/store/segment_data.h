// The rows of one segment as plain arrays: what a memory segment is, what a writer writes, what a
// disk segment's columns are decoded into. Rows are in the order (person, time, arrival).
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/event.h"
#include "model/ids.h"
#include "store/column_view.h"
#include "store/dictionary.h"

namespace bulkhead {

inline constexpr uint64_t kFingerprintMask = kKeptInsertIdBits;

// The two columns that every segment has before those of the properties.
inline constexpr size_t kEventColumn = 0;   // the event's name
inline constexpr size_t kOriginColumn = 1;  // hex id the event was sent under, where it differs
inline constexpr size_t kFirstPropertyColumn = 2;

// Owns one column of codes at the width that its largest code needs.
class CodeArray {
 public:
  CodeArray() = default;  // 0 on every row
  static CodeArray Constant(uint32_t code) {
    CodeArray array;
    array.constant_ = code;
    return array;
  }
  // All rows zero, to be filled by Fill() or Set().
  static CodeArray Zeros(uint32_t rows, uint32_t largest_code) {
    CodeArray array;
    array.width_ = largest_code <= 0xFF ? 1 : largest_code <= 0xFFFF ? 2 : 4;
    array.bytes_.assign(static_cast<size_t>(rows) * static_cast<size_t>(array.width_), 0);
    return array;
  }
  static CodeArray From(std::span<const uint32_t> codes);
  [[nodiscard]] CodeView view() const {
    switch (width_) {
      case 1:
        return CodeView(Data<uint8_t>());
      case 2:
        return CodeView(Data<uint16_t>());
      case 4:
        return CodeView(Data<uint32_t>());
      default:
        return CodeView(constant_);
    }
  }
  // Not for constants. Calls f with a pointer to uint8_t, uint16_t or uint32_t.
  template <typename F>
  void Fill(F&& f) {
    switch (width_) {
      case 1:
        f(Mutable<uint8_t>());
        break;
      case 2:
        f(Mutable<uint16_t>());
        break;
      default:
        f(Mutable<uint32_t>());
    }
  }
  [[nodiscard]] size_t MemoryBytes() const { return bytes_.size() + sizeof(*this); }

 private:
  template <typename T>
  [[nodiscard]] const T* Data() const {
    return reinterpret_cast<const T*>(bytes_.data());
  }
  template <typename T>
  T* Mutable() {
    return reinterpret_cast<T*>(bytes_.data());
  }
  std::vector<uint8_t> bytes_;
  int width_ = 0;
  uint32_t constant_ = 0;
};

class TimeArray {
 public:
  TimeArray() = default;
  // Picks the form; `times_ms` is the column.
  static TimeArray From(std::span<const int64_t> times_ms);
  static TimeArray Narrow(int64_t base_ms, int64_t unit_ms, std::vector<uint32_t> offsets) {
    TimeArray array;
    array.base_ms_ = base_ms;
    array.unit_ms_ = unit_ms;
    array.narrow_ = std::move(offsets);
    array.is_narrow_ = true;
    return array;
  }
  static TimeArray Wide(std::vector<int64_t> times_ms) {
    TimeArray array;
    array.wide_ = std::move(times_ms);
    return array;
  }
  [[nodiscard]] TimeView view() const {
    return is_narrow_ ? TimeView(base_ms_, unit_ms_, narrow_.data()) : TimeView(wide_.data());
  }
  [[nodiscard]] size_t MemoryBytes() const { return narrow_.size() * 4 + wide_.size() * 8; }

 private:
  int64_t base_ms_ = 0;
  int64_t unit_ms_ = 1;
  bool is_narrow_ = false;
  std::vector<uint32_t> narrow_;
  std::vector<int64_t> wide_;
};

// The kept bits of each row's insert id, five bytes each; 0 = none was sent.
class FingerprintArray {
 public:
  static constexpr size_t kBytes = 5;

  FingerprintArray() = default;  // 0 on every row
  static FingerprintArray Zeros(uint32_t rows) {
    FingerprintArray array;
    array.bytes_.assign(static_cast<size_t>(rows) * kBytes, 0);
    return array;
  }
  void Set(uint32_t row, uint64_t fingerprint) {
    std::memcpy(&bytes_[size_t{row} * kBytes], &fingerprint, kBytes);
  }
  [[nodiscard]] uint64_t operator[](uint32_t row) const {
    uint64_t fingerprint = 0;
    if (!bytes_.empty()) std::memcpy(&fingerprint, &bytes_[size_t{row} * kBytes], kBytes);
    return fingerprint;
  }
  [[nodiscard]] std::span<uint8_t> bytes() { return bytes_; }
  [[nodiscard]] std::span<const uint8_t> bytes() const { return bytes_; }
  [[nodiscard]] bool AllZero() const;
  [[nodiscard]] size_t MemoryBytes() const { return bytes_.size(); }

 private:
  std::vector<uint8_t> bytes_;
};

struct ColumnData {
  std::string name;  // empty for the first two
  std::shared_ptr<const CodeArray> codes = std::make_shared<CodeArray>();
  std::shared_ptr<const Dictionary> dictionary = std::make_shared<Dictionary>();
};

// What is known of a segment without reading its columns.
struct SegmentInfo {
  uint32_t rows = 0;
  uint32_t persons = 0;
  int64_t first_ms = 0;  // earliest and latest time
  int64_t last_ms = 0;
  // A row's place in the order of arrival is seq_base + its rank. Segments in the store have
  // disjoint, ascending ranges [seq_base, seq_base + seq_span).
  uint64_t seq_base = 0;
  uint64_t seq_span = 0;
  // The first so many identity links are applied to these rows physically.
  uint64_t links_applied = 0;
};

struct SegmentData {
  SegmentInfo info;
  std::vector<SubjectId> persons;  // ascending
  std::vector<uint32_t> starts;    // persons + 1 entries: first row of each, then `rows`
  TimeArray times;
  CodeArray ranks;  // order of arrival among rows of equal time
  FingerprintArray fingerprints;
  std::vector<ColumnData> columns;  // kEventColumn, kOriginColumn, properties by name
};

}  // namespace bulkhead
