// What egress remembers of one vendor's canaries from one start to the next: DIR/egress/vendors/
// NAME/canaries, a sealed file (crypto/sealed_file.h) under the vendor keys. In it no pseudonym,
// only keyed marks of subjects. docs/formats/canaries.md draws the bytes. Plain data; inside
// egress/.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/value.h"

namespace bulkhead {

// What a subject, or a canary, is like: what it did since when, how often, at which time of the
// day, and mostly which events. Spans are of two days.
struct CanaryActivity {
  int64_t first_span = 0;
  int64_t last_ms = 0;
  uint64_t events = 0;
  uint64_t lately = 0;  // of them in the present span
  uint64_t before = 0;  // and in the one before
  uint64_t sessions = 0;
  uint64_t days = 0;                              // on which there was one
  std::array<uint32_t, 8> mix{};                  // events by a hash of their name, fading
  int32_t towards_noon = 0, towards_evening = 0;  // thousandths: where the clock's hand points to
  friend bool operator==(const CanaryActivity&, const CanaryActivity&) = default;
};

struct CanaryState {
  uint64_t donor = 0;  // the mark of the subject that it does as now
  CanaryActivity activity;
  ValueObject traits;  // the values that it keeps
  friend bool operator==(const CanaryState&, const CanaryState&) = default;
};

struct CanaryMemory {
  uint32_t epoch = 0;
  uint32_t sparse = 0;       // how often the share of subjects that have a canary was halved
  uint32_t cast_sparse = 0;  // likewise of those that are watched
  int64_t span = 0;
  std::map<uint64_t, CanaryActivity> cast;  // subjects that are watched, by mark
  std::vector<CanaryState> canaries;        // by number
  friend bool operator==(const CanaryMemory&, const CanaryMemory&) = default;
};

std::string EncodeCanaryMemory(const CanaryMemory& memory);
// kCorruption: not what the above writes.
Result<CanaryMemory> DecodeCanaryMemory(std::string_view bytes);

}  // namespace bulkhead
