#include "egress/subject_dictionary.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "egress/ledger_files.h"

namespace bulkhead {
namespace {

constexpr size_t kBlockSubjects = 8192;
static_assert(sizeof(SubjectId) == 16, "subjects are written as they lie in memory");

uint64_t FileBytes(uint64_t subjects) {
  const uint64_t blocks = (subjects + kBlockSubjects - 1) / kBlockSubjects;
  return kBlockFileHeadBytes + subjects * sizeof(SubjectId) + blocks * kBlockTagBytes;
}

// Most subjects of a dictionary are not among those asked for: one bit says so of nearly all.
class SubjectFilter {
 public:
  explicit SubjectFilter(std::span<const SubjectId> subjects)
      : shift_(64 - static_cast<int>(std::bit_width(subjects.size() * 16 + 64))),
        bits_((uint64_t{1} << (64 - shift_)) / 64) {
    for (const SubjectId& subject : subjects) {
      const uint64_t bit = Bit(subject);
      bits_[bit / 64] |= uint64_t{1} << (bit % 64);
    }
  }
  [[nodiscard]] bool MayHold(const SubjectId& subject) const {
    const uint64_t bit = Bit(subject);
    return ((bits_[bit / 64] >> (bit % 64)) & 1U) != 0;
  }

 private:
  [[nodiscard]] uint64_t Bit(const SubjectId& subject) const {
    return (subject.Prefix() * 0x9E3779B97F4A7C15ULL) >> shift_;
  }
  int shift_;
  std::vector<uint64_t> bits_;
};

}  // namespace

std::string EncodeSubjects(std::span<const SubjectId> subjects, const BlockFile& cipher) {
  const uint64_t file_bytes = FileBytes(subjects.size());
  std::string file = cipher.head();
  file.reserve(file_bytes);
  while (!subjects.empty()) {
    const auto block = subjects.first(std::min(subjects.size(), kBlockSubjects));
    subjects = subjects.subspan(block.size());
    cipher.Encrypt(file.size(), {reinterpret_cast<const char*>(block.data()), block.size_bytes()},
                   subjects.empty() ? file_bytes : 0, &file);
  }
  return file;
}

Result<SubjectDictionary> SubjectDictionary::Open(FileSystem& fs, const std::string& dir,
                                                  std::span<const LedgerSubjectsFile> files) {
  SubjectDictionary dictionary;
  for (const LedgerSubjectsFile& file : files) {
    Result<std::unique_ptr<MappedFile>> map =
        MapLedgerFile(fs, dir, LedgerFileKind::kSubjects, *file.file);
    if (!map) return map.error();
    const std::string name = LedgerFileName(LedgerFileKind::kSubjects, file.file->number);
    if (file.file->bytes != FileBytes(file.subjects)) {
      return NameLedgerFile(name, {ErrorCode::kCorruption, "not of the size for its subjects"});
    }
    dictionary.parts_.push_back({name, std::move(*map), file, dictionary.size_});
    dictionary.size_ += file.subjects;
  }
  return dictionary;
}

Result<void> SubjectDictionary::ScanPart(const Part& part, const EachBlock& each) {
  const std::string_view bytes = part.map->bytes();
  const Result<BlockFile> cipher =
      BlockFile::OfHead(kLedgerSubjectsHead, bytes, part.file.file->key);
  if (!cipher) return NameLedgerFile(part.name, cipher.error());
  std::vector<SubjectId> block;
  size_t at = kBlockFileHeadBytes;
  for (uint32_t done = 0; done < part.file.subjects;) {
    block.resize(std::min<size_t>(kBlockSubjects, part.file.subjects - done));
    const size_t box_bytes = block.size() * sizeof(SubjectId) + kBlockTagBytes;
    const bool is_last = done + block.size() == part.file.subjects;
    const Result<void> read =
        cipher->Decrypt(at, bytes.substr(at, box_bytes), is_last ? bytes.size() : 0,
                        {block.front().bytes.data(), block.size() * sizeof(SubjectId)});
    if (!read) return NameLedgerFile(part.name, read.error());
    each(part.first + done, block);
    done += static_cast<uint32_t>(block.size());
    at += box_bytes;
  }
  return {};
}

Result<void> SubjectDictionary::Scan(const EachBlock& each) const {
  for (const Part& part : parts_) {
    if (Result<void> scanned = ScanPart(part, each); !scanned) return scanned;
  }
  return {};
}

Result<std::vector<SubjectId>> SubjectDictionary::ReadFile(size_t file) const {
  std::vector<SubjectId> subjects;
  subjects.reserve(parts_[file].file.subjects);
  Result<void> read = ScanPart(parts_[file], [&](uint32_t, std::span<const SubjectId> block) {
    subjects.insert(subjects.end(), block.begin(), block.end());
  });
  if (!read) return read.error();
  return subjects;
}

Result<std::vector<uint32_t>> SubjectDictionary::Find(std::span<const SubjectId> sorted) const {
  std::vector<uint32_t> ordinals(sorted.size(), kNoOrdinal);
  if (sorted.empty()) return ordinals;
  const SubjectFilter filter(sorted);
  Result<void> scanned = Scan([&](uint32_t first, std::span<const SubjectId> block) {
    for (size_t i = 0; i < block.size(); ++i) {
      if (!filter.MayHold(block[i])) continue;
      const auto at = std::lower_bound(sorted.begin(), sorted.end(), block[i]);
      if (at != sorted.end() && *at == block[i] && !at->IsNobody()) {
        ordinals[static_cast<size_t>(at - sorted.begin())] = first + static_cast<uint32_t>(i);
      }
    }
  });
  if (!scanned) return scanned.error();
  return ordinals;
}

}  // namespace bulkhead
