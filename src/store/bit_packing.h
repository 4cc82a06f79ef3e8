// Numbers of fixed or known widths, least significant bit first.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace bulkhead {

inline size_t PackedBytes(size_t count, int width) {
  return (count * static_cast<size_t>(width) + 7) / 8;
}

class BitWriter {
 public:
  explicit BitWriter(std::string* out) : out_(out) {}
  // width in 1..63; no bits of value above it.
  void Write(uint64_t value, int width) {
    pending_ |= value << filled_;
    if (filled_ + width >= 64) {
      char bytes[8];
      std::memcpy(bytes, &pending_, 8);
      out_->append(bytes, 8);
      const int used = 64 - filled_;
      pending_ = used >= 64 ? 0 : value >> used;
      filled_ = filled_ + width - 64;
      return;
    }
    filled_ += width;
  }
  void Finish() {
    for (; filled_ > 0; filled_ -= 8) {
      out_->push_back(static_cast<char>(pending_));
      pending_ >>= 8;
    }
    filled_ = 0;
  }

 private:
  std::string* out_;
  uint64_t pending_ = 0;
  int filled_ = 0;
};

// Reads past the end give zeros and make ok() false.
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}
  // width in 1..63
  uint64_t Read(int width) {
    const size_t byte = at_ / 8;
    const auto shift = static_cast<int>(at_ % 8);
    at_ += static_cast<size_t>(width);
    uint64_t low = 0;
    if (byte + 9 <= bytes_.size()) [[likely]] {
      std::memcpy(&low, bytes_.data() + byte, 8);
      low >>= shift;
      if (shift + width > 64) {
        low |= static_cast<uint64_t>(static_cast<uint8_t>(bytes_[byte + 8])) << (64 - shift);
      }
    } else {
      low = Slow(byte, shift);
    }
    return low & ((1ULL << width) - 1);
  }
  [[nodiscard]] bool ok() const { return (at_ + 7) / 8 <= bytes_.size(); }

 private:
  [[nodiscard]] uint64_t Slow(size_t byte, int shift) const {
    uint64_t value = 0;
    for (size_t i = 0; i < 9 && byte + i < bytes_.size(); ++i) {
      const auto part = static_cast<uint64_t>(static_cast<uint8_t>(bytes_[byte + i]));
      const int place = static_cast<int>(i) * 8 - shift;
      value |= place < 0 ? part >> -place : place < 64 ? part << place : 0;
    }
    return value;
  }
  std::string_view bytes_;
  size_t at_ = 0;
};

inline void PackBits(std::span<const uint32_t> values, int width, std::string* out) {
  if (width == 0) {
    return;
  }
  BitWriter writer(out);
  for (const uint32_t value : values) {
    writer.Write(value, width);
  }
  writer.Finish();
}

// False when `bytes` are too few. width in 0..32
inline bool UnpackBits(std::string_view bytes, int width, std::span<uint32_t> values) {
  if (width == 0) {
    for (uint32_t& value : values) {
      value = 0;
    }
    return true;
  }
  BitReader reader(bytes);
  for (uint32_t& value : values) {
    value = static_cast<uint32_t>(reader.Read(width));
  }
  return reader.ok();
}

}  // namespace bulkhead
