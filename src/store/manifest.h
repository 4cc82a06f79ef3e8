// The file that says what the store is made of and holds the keys of the other files; replaced
// atomically (docs/formats/manifest.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/key_ring.h"

namespace bulkhead {

inline constexpr std::string_view kManifestName = "MANIFEST";

struct RowRun {
  uint32_t first = 0;
  uint32_t count = 0;
};

struct ManifestSegment {
  uint64_t file = 0;
  SecretBytes key;  // of the file; empty: a plain one
  // Rows were erased or are too old: the file is to be rewritten whatever else happens.
  bool purge_due = false;
  std::vector<RowRun> dead_rows;  // ascending, apart from each other
};

struct Manifest {
  uint32_t ring_key = 0;  // the number of the store key that it was read with; 0: a plain one
  uint64_t commits = 0;   // how many manifests this store has written: an older one is told by it
  uint64_t position = 0;  // segments hold every event of log records before it
  uint64_t people_position = 0;   // the people file holds every profile update before it
  uint64_t erasures_applied = 0;  // Store::EraseSubjects
  uint64_t people_file = 0;       // 0 = none
  SecretBytes people_key;         // empty: a plain one, or none
  uint64_t next_file = 1;
  uint64_t next_seq = 0;
  std::vector<ManifestSegment> segments;  // oldest first
};

// Encrypted under the ring's newest key. `owner`: StoreOptions.
std::string EncodeManifest(const Manifest& manifest, const KeyRing& ring, std::string_view owner);
// Also reads plain ones of version 1. kDenied: the ring lacks the key that the file names.
Result<Manifest> DecodeManifest(std::string_view bytes, const KeyRing& ring,
                                std::string_view owner);

std::string SegmentFileName(uint64_t file);
std::string PeopleFileName(uint64_t file);
// Whether the store makes files of such a name, the manifest apart.
bool IsStoreFileName(std::string_view name);

}  // namespace bulkhead
