#include "store/segment_data.h"

#include <algorithm>
#include <numeric>

namespace bulkhead {

CodeArray CodeArray::From(std::span<const uint32_t> codes) {
  const auto most = std::max_element(codes.begin(), codes.end());
  CodeArray array = Zeros(static_cast<uint32_t>(codes.size()), most == codes.end() ? 0 : *most);
  array.Fill([&](auto* out) {
    for (size_t i = 0; i < codes.size(); ++i) {
      out[i] = static_cast<std::decay_t<decltype(*out)>>(codes[i]);
    }
  });
  return array;
}

bool FingerprintArray::AllZero() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](uint8_t byte) { return byte == 0; });
}

TimeArray TimeArray::From(std::span<const int64_t> times_ms) {
  if (times_ms.empty()) {
    return Narrow(0, 1, {});
  }
  const auto [least, most] = std::minmax_element(times_ms.begin(), times_ms.end());
  const int64_t base = *least;
  // Unsigned: times come from decoded batches and may be any 64 bits.
  const uint64_t range = static_cast<uint64_t>(*most) - static_cast<uint64_t>(base);
  uint64_t unit = 0;
  for (const int64_t time : times_ms) {
    unit = std::gcd(unit, static_cast<uint64_t>(time) - static_cast<uint64_t>(base));
    if (unit == 1) {
      break;
    }
  }
  unit = std::max<uint64_t>(unit, 1);
  if (range / unit > UINT32_MAX || unit > INT32_MAX) {
    return Wide(std::vector<int64_t>(times_ms.begin(), times_ms.end()));
  }
  std::vector<uint32_t> offsets(times_ms.size());
  for (size_t i = 0; i < offsets.size(); ++i) {
    const uint64_t delta = static_cast<uint64_t>(times_ms[i]) - static_cast<uint64_t>(base);
    offsets[i] = static_cast<uint32_t>(unit == 1 ? delta : delta / unit);
  }
  return Narrow(base, static_cast<int64_t>(unit), std::move(offsets));
}

}  // namespace bulkhead
