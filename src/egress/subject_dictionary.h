// The subjects of a vendor's epoch by ordinal: a subject has the same one as long as it is there,
// and the days' files speak of ordinals. A place whose subject was erased holds nobody.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "crypto/block_file.h"
#include "egress/ledger_manifest.h"
#include "model/ids.h"

namespace bulkhead {

inline constexpr uint32_t kNoOrdinal = UINT32_MAX;

// The bytes of a file of subjects, under this new file's key.
std::string EncodeSubjects(std::span<const SubjectId> subjects, const BlockFile& cipher);

// Mapped, so that it stays readable when the files are removed. Thread-safe.
class SubjectDictionary {
 public:
  // The files stay mapped. kCorruption: one is missing, or not of its size.
  static Result<SubjectDictionary> Open(FileSystem& fs, const std::string& dir,
                                        std::span<const LedgerSubjectsFile> files);

  [[nodiscard]] uint32_t size() const { return size_; }

  // Blocks of subjects, with the ordinal of the first, in order.
  using EachBlock = std::function<void(uint32_t first, std::span<const SubjectId>)>;
  [[nodiscard]] Result<void> Scan(const EachBlock& each) const;
  // Of the file at this place alone.
  [[nodiscard]] Result<std::vector<SubjectId>> ReadFile(size_t file) const;

  // For each of these subjects, which are sorted and each there once, its ordinal or kNoOrdinal.
  [[nodiscard]] Result<std::vector<uint32_t>> Find(std::span<const SubjectId> sorted) const;

 private:
  struct Part {
    std::string name;
    std::unique_ptr<MappedFile> map;
    LedgerSubjectsFile file;
    uint32_t first = 0;
  };
  static Result<void> ScanPart(const Part& part, const EachBlock& each);

  std::vector<Part> parts_;
  uint32_t size_ = 0;
};

}  // namespace bulkhead
