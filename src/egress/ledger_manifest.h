// The ledger's manifest: which files it consists of, with their keys and digests; replaced
// atomically, so that a change of many files is one step (docs/formats/ledger.md).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/crypto.h"
#include "crypto/key_ring.h"

namespace bulkhead {

// A file that is written once. Versions of the manifest in memory share them.
struct LedgerFile {
  uint64_t number = 0;
  uint64_t bytes = 0;
  std::array<uint8_t, 32> sha256{};  // of the bytes as they lie on the disk
  SecretBytes key;
};
using LedgerFileRef = std::shared_ptr<const LedgerFile>;

// Subjects by ordinal: the first file has those from 0, each further one goes on.
struct LedgerSubjectsFile {
  LedgerFileRef file;
  uint32_t subjects = 0;
};

struct LedgerDayFile {
  LedgerFileRef file;
  int32_t day = 0;
  uint64_t sends = 0;     // those of nobody, too
  uint32_t subjects = 0;  // nobody not counted
};

struct LedgerEpoch {
  std::vector<LedgerSubjectsFile> subjects;
  std::vector<LedgerDayFile> days;  // ascending
  [[nodiscard]] uint32_t ordinals() const;
};

struct LedgerVendor {
  uint64_t last_sequence = 0;  // in these files
  std::map<uint32_t, LedgerEpoch> epochs;
};
using LedgerVendors = std::map<std::string, LedgerVendor>;

struct LedgerJournalFile {
  uint64_t number = 0;
  std::shared_ptr<const SecretBytes> key;
  std::optional<uint64_t> records;  // nothing: it is being written; the last one alone
};

struct LedgerManifest {
  uint64_t commits = 0;    // how many this ledger has written: an older one is told by it
  uint64_t next_file = 1;  // no number is given twice
  LedgerVendors vendors;
  std::vector<LedgerJournalFile> journals;  // oldest first
};

// Encrypted under the ring's newest key.
std::string EncodeLedgerManifest(const LedgerManifest& manifest, const KeyRing& ring);
// kDenied: the ring lacks the key that the file names.
Result<LedgerManifest> DecodeLedgerManifest(std::string_view bytes, const KeyRing& ring);

// The names of all files that it names.
std::vector<std::string> LedgerFileNames(const LedgerManifest& manifest);

}  // namespace bulkhead
