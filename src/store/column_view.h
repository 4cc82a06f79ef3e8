// Decoded columns as plain arrays. A view borrows; whoever gave it (a ScanContext, a Segment) keeps
// the bytes alive.
#pragma once

#include <cstdint>

namespace bulkhead {

// One dictionary code per row, as wide as the dictionary needs. Kernels that look at every row
// dispatch once on the width with Dispatch().
class CodeView {
 public:
  CodeView() = default;  // code 0 on every row
  explicit CodeView(uint32_t constant) : constant_(constant) {}
  explicit CodeView(const uint8_t* codes) : data_(codes), width_(1) {}
  explicit CodeView(const uint16_t* codes) : data_(codes), width_(2) {}
  explicit CodeView(const uint32_t* codes) : data_(codes), width_(4) {}

  // Bytes per code; 0 = every row has constant().
  [[nodiscard]] int width() const { return width_; }
  [[nodiscard]] uint32_t constant() const { return constant_; }

  [[nodiscard]] uint32_t operator[](uint32_t row) const {
    switch (width_) {
      case 1:
        return static_cast<const uint8_t*>(data_)[row];
      case 2:
        return static_cast<const uint16_t*>(data_)[row];
      case 4:
        return static_cast<const uint32_t*>(data_)[row];
      default:
        return constant_;
    }
  }

  struct Constant {
    uint32_t code;
    uint32_t operator[](uint32_t) const { return code; }
  };
  // Calls f with const uint8_t*, const uint16_t*, const uint32_t* or Constant: all have [row].
  template <typename F>
  decltype(auto) Dispatch(F&& f) const {
    switch (width_) {
      case 1:
        return f(static_cast<const uint8_t*>(data_));
      case 2:
        return f(static_cast<const uint16_t*>(data_));
      case 4:
        return f(static_cast<const uint32_t*>(data_));
      default:
        return f(Constant{constant_});
    }
  }

 private:
  const void* data_ = nullptr;
  int width_ = 0;
  uint32_t constant_ = 0;
};

// Times in UTC milliseconds: base + unit * offset where 32 bits reach, plain otherwise.
class TimeView {
 public:
  TimeView() = default;
  TimeView(int64_t base_ms, int64_t unit_ms, const uint32_t* offsets)
      : base_ms_(base_ms), unit_ms_(unit_ms), offsets_(offsets) {}
  explicit TimeView(const int64_t* times_ms) : times_ms_(times_ms) {}

  [[nodiscard]] int64_t operator[](uint32_t row) const {
    return offsets_ != nullptr ? base_ms_ + unit_ms_ * static_cast<int64_t>(offsets_[row])
                               : times_ms_[row];
  }

  // Where offsets() is not null, time = base_ms() + unit_ms() * offsets()[row]; else
  // times_ms()[row].
  [[nodiscard]] const uint32_t* offsets() const { return offsets_; }
  [[nodiscard]] const int64_t* times_ms() const { return times_ms_; }
  [[nodiscard]] int64_t base_ms() const { return base_ms_; }
  [[nodiscard]] int64_t unit_ms() const { return unit_ms_; }

 private:
  int64_t base_ms_ = 0;
  int64_t unit_ms_ = 1;
  const uint32_t* offsets_ = nullptr;
  const int64_t* times_ms_ = nullptr;
};

}  // namespace bulkhead
