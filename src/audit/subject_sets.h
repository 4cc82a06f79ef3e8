// The sets of subjects that entries commit to, beside the log: one encrypted file for the sets of
// 256 entries, each set a list of handles (audit/subject_handles.h). docs/formats/audit.md draws
// the bytes. The log stays whole without these files, so that they may be thrown away by age.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audit/audit_entry.h"
#include "audit/subject_handles.h"
#include "base/file_system.h"

namespace bulkhead {

// The root over a set with this salt; sorts and de-duplicates the handles.
SubjectSetRoot CommitToSet(std::vector<SubjectHandle>* handles);
// Whether the set is the one that was committed to: sorted, each once, with this root.
bool IsCommittedSet(std::span<const SubjectHandle> handles, const SubjectSetRoot& root);

struct NewSubjectSet {
  uint64_t index = 0;  // of the entry
  SubjectSetRoot root;
  std::vector<SubjectHandle> handles;
};

// Not thread-safe.
class SubjectSetWriter {
 public:
  // `dir` is the directory of the log. What is written is written under the newest of the keys,
  // which outlive the object.
  SubjectSetWriter(FileSystem& fs, std::string dir, const KeyRing* keys);

  // Durable when it returns. `size` is that of the log before: what lies in the files for entries
  // from there on is of writes that never became part of it, and is cut off.
  Result<void> Append(std::span<const NewSubjectSet> sets, uint64_t size);
  // Forgets what it knows of the files: after an error, or where another process wrote.
  void Reset() { file_ = nullptr; }

 private:
  Result<void> OpenBundle(uint64_t bundle, uint64_t size);
  Result<void> AppendToBundle(uint64_t bundle, std::string_view bytes, uint64_t size);

  FileSystem& fs_;
  const std::string dir_;
  const KeyRing& keys_;
  std::unique_ptr<AppendFile> file_;
  uint64_t bundle_ = 0;  // of file_
};

// Where a record lies in a file of sets; for readers and tests of the format.
struct SubjectSetRecord {
  uint64_t index = 0;
  std::string_view box;
  size_t end = 0;  // offset behind it
};
// The records, as far as they are whole; nullopt where the file is not one of ours.
std::optional<std::vector<SubjectSetRecord>> ListSubjectSets(std::string_view bytes);

// Writes the file of a bundle's sets anew where something in it is under an older key than the
// newest. `roots`: of the bundle's entries, by index. True: it was written. kCorruption: a set does
// not open; the file is left as it is.
Result<bool> RewrapSubjectSets(FileSystem& fs, const std::string& dir, const KeyRing& keys,
                               const std::map<uint64_t, SubjectSetRoot>& roots);

// Keeps the last file that it read. Not thread-safe.
class SubjectSetReader {
 public:
  SubjectSetReader(FileSystem& fs, std::string dir, const KeyRing* keys);

  // The set of this entry, checked against its root. kNotFound: it was thrown away. kCorruption: it
  // is not what the entry committed to.
  Result<std::vector<SubjectHandle>> Read(uint64_t index, const SubjectSetRoot& root);

 private:
  FileSystem& fs_;
  const std::string dir_;
  const KeyRing& keys_;
  uint64_t bundle_ = UINT64_MAX;
  std::unique_ptr<MappedFile> file_;
  std::vector<SubjectSetRecord> records_;  // of file_
};

}  // namespace bulkhead
