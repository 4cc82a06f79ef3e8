// SHA-256 of a text that comes in pieces.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace bulkhead {

class Sha256Stream {
 public:
  Sha256Stream();
  void Add(std::string_view piece);
  [[nodiscard]] std::array<uint8_t, 32> Digest() const;  // of all pieces so far

 private:
  alignas(8) std::array<uint8_t, 112> state_{};  // the library's, which this header does not name
};

}  // namespace bulkhead
