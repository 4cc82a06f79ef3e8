// What sights of canaries have come to: for each vendor and epoch how often one was seen where only
// a leak brings it, what of that is not in the audit log yet, and which incident it opened. One
// sealed file, DIR/egress/canary_sights, written anew as a whole with each change, so that neither
// a restart nor a crash forgets a sight. docs/formats/canaries.md draws the bytes. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"

namespace bulkhead {

enum class CanaryVia : uint8_t { kMail = 0, kSignIn };
inline constexpr size_t kCanaryVias = 2;

struct CanarySights {
  std::string vendor;
  uint32_t epoch = 0;
  uint64_t seen = 0;  // times
  int64_t last_ms = 0;
  std::string told_by;                     // who asked egress about the last one
  CanaryVia first_via = CanaryVia::kMail;  // of those that the incident below is not opened for
  std::array<uint64_t, kCanaryVias> unrecorded{};  // by CanaryVia: not in the audit log yet
  bool to_open = false;  // whether an incident is open has to be looked at
  std::string incident;  // that such sights opened last; empty: none
  friend bool operator==(const CanarySights&, const CanarySights&) = default;
};

std::string EncodeCanarySights(const std::vector<CanarySights>& all);
// kInvalid: not what EncodeCanarySights writes.
Result<std::vector<CanarySights>> DecodeCanarySights(std::string_view bytes);

class CanarySightsFile {
 public:
  // There need not be one. Wraps it under the newest key. `fs` and `keys` outlive it. kCorruption:
  // changed. kUnavailable: the keys lack the one that it lies under.
  static Result<CanarySightsFile> Open(FileSystem& fs, const std::string& dir, const KeyRing& keys);

  // As they were at the opening.
  [[nodiscard]] const std::vector<CanarySights>& opened() const { return opened_; }
  // Durable when it returns.
  Result<void> Write(const std::vector<CanarySights>& all) const;

 private:
  CanarySightsFile(FileSystem& fs, std::string path, const KeyRing& keys)
      : fs_(&fs), path_(std::move(path)), keys_(&keys) {}

  FileSystem* fs_;
  std::string path_;
  const KeyRing* keys_;
  std::vector<CanarySights> opened_;
};

}  // namespace bulkhead
