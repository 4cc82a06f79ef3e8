// Little-endian fixed integers, varints and length-prefixed strings. The writer appends to a
// string; the reader never reads past its end: after an overrun ok() is false and every further
// read gives zero or empty.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace bulkhead {

static_assert(std::endian::native == std::endian::little,
              "formats are written as they lie in memory");

class ByteWriter {
 public:
  explicit ByteWriter(std::string* out) : out_(out) {}

  template <typename T>
  void Fixed(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    out_->append(bytes, sizeof(T));
  }
  void Byte(uint8_t value) { out_->push_back(static_cast<char>(value)); }
  void Varint(uint64_t value) {
    char bytes[10];
    size_t size = 0;
    while (value >= 0x80) {
      bytes[size++] = static_cast<char>(value | 0x80);
      value >>= 7;
    }
    bytes[size++] = static_cast<char>(value);
    out_->append(bytes, size);
  }
  // Zigzag: small negative numbers stay short.
  void SignedVarint(int64_t value) {
    Varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  void Raw(std::string_view bytes) { out_->append(bytes); }
  void String(std::string_view text) {
    Varint(text.size());
    out_->append(text);
  }

 private:
  std::string* out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes)
      : begin_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool AtEnd() const { return begin_ == end_; }
  [[nodiscard]] size_t remaining() const { return static_cast<size_t>(end_ - begin_); }

  template <typename T>
  T Fixed() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    if (remaining() < sizeof(T)) {
      Fail();
      return value;
    }
    std::memcpy(&value, begin_, sizeof(T));
    begin_ += sizeof(T);
    return value;
  }
  uint8_t Byte() { return Fixed<uint8_t>(); }
  uint64_t Varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (begin_ == end_) {
        Fail();
        return 0;
      }
      const auto byte = static_cast<uint8_t>(*begin_++);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) {
        if ((byte == 0 && shift != 0) || (shift == 63 && byte > 1)) {
          break;  // longer than needed, or more than 64 bits: no writer of ours
        }
        return value;
      }
    }
    Fail();
    return 0;
  }
  int64_t SignedVarint() {
    const uint64_t raw = Varint();
    return static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
  }
  std::string_view Raw(uint64_t size) {
    if (remaining() < size) {
      Fail();
      return {};
    }
    const std::string_view bytes(begin_, static_cast<size_t>(size));
    begin_ += size;
    return bytes;
  }
  std::string_view String() { return Raw(Varint()); }
  // A count of items that each take at least one byte: bounded by what is left, so that it may size
  // a vector.
  size_t Count() {
    const uint64_t count = Varint();
    if (count > remaining()) {
      Fail();
      return 0;
    }
    return static_cast<size_t>(count);
  }

 private:
  void Fail() {
    ok_ = false;
    begin_ = end_;
  }
  const char* begin_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace bulkhead
