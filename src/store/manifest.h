// The file that says what the store is made of; replaced atomically (docs/formats/manifest.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"

namespace bulkhead {

inline constexpr std::string_view kManifestName = "MANIFEST";

struct ManifestSegment {
  uint64_t file = 0;
  std::vector<uint32_t> dead_rows;  // ascending
};

struct Manifest {
  uint64_t position = 0;         // segments hold every event of log records before it
  uint64_t people_position = 0;  // the people file holds every profile update before it
  uint64_t people_file = 0;      // 0 = none
  uint64_t next_file = 1;
  uint64_t next_seq = 0;
  std::vector<ManifestSegment> segments;  // oldest first
};

std::string EncodeManifest(const Manifest& manifest);
Result<Manifest> DecodeManifest(std::string_view bytes);

std::string SegmentFileName(uint64_t file);
std::string PeopleFileName(uint64_t file);
// Whether the store makes files of such a name, the manifest apart.
bool IsStoreFileName(std::string_view name);

}  // namespace bulkhead
