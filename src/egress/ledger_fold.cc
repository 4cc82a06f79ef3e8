#include "egress/ledger_fold.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "egress/ledger_day.h"
#include "egress/ledger_day_merge.h"
#include "egress/subject_dictionary.h"

namespace bulkhead {
namespace {

// One epoch's files on the way to their new form.
class EpochFold {
 public:
  EpochFold(FileSystem& fs, std::string dir, LedgerEpoch* epoch, LedgerFileWriter* writer)
      : fs_(fs), dir_(std::move(dir)), epoch_(*epoch), writer_(*writer) {}

  Result<void> Run(const LedgerBatches& batches, std::span<const SubjectId> gone) {
    Result<SubjectDictionary> dictionary = SubjectDictionary::Open(fs_, dir_, epoch_.subjects);
    if (!dictionary) return dictionary.error();
    Result<UnfoldedSends> unfolded = ResolveSends(*dictionary, batches, gone, &table_);
    if (!unfolded) return unfolded.error();
    Result<std::vector<uint32_t>> found = dictionary->Find(gone);
    if (!found) return found.error();
    std::copy_if(found->begin(), found->end(), std::back_inserter(gone_),
                 [](uint32_t ordinal) { return ordinal != kNoOrdinal; });
    std::sort(gone_.begin(), gone_.end());
    ordinals_ = dictionary->size();
    if (Result<void> rebuilt = RebuildDays(unfolded->days); !rebuilt) return rebuilt;
    return RebuildSubjects(*dictionary, unfolded->newcomers);
  }

 private:
  Result<std::vector<SubjectId>> ReadFile(const SubjectDictionary& dictionary, size_t file,
                                          uint32_t first) const;
  Result<void> RebuildSubjects(const SubjectDictionary& dictionary,
                               const std::vector<SubjectId>& newcomers);
  Result<LedgerSubjectsFile> WriteSubjects(std::span<const SubjectId> subjects);
  Result<void> RebuildDays(const std::map<int32_t, UnfoldedDay>& days);
  Result<void> RebuildDay(int32_t day, const LedgerDayFile* old, const UnfoldedDay& added);
  Result<bool> HasGone(const DayFile& file) const;

  FileSystem& fs_;
  const std::string dir_;
  LedgerEpoch& epoch_;
  LedgerFileWriter& writer_;
  FieldSetTable table_;
  uint32_t ordinals_ = 0;       // before newcomers
  std::vector<uint32_t> gone_;  // ordinals, sorted
};

Result<LedgerSubjectsFile> EpochFold::WriteSubjects(std::span<const SubjectId> subjects) {
  const BlockFile cipher(kLedgerSubjectsHead);
  Result<LedgerFileRef> file =
      writer_.Write(LedgerFileKind::kSubjects, EncodeSubjects(subjects, cipher),
                    SecretBytes(cipher.key().view()));
  if (!file) return file.error();
  return LedgerSubjectsFile{*std::move(file), static_cast<uint32_t>(subjects.size())};
}

// A file's subjects without the erased ones: their places stay, and hold nobody.
Result<std::vector<SubjectId>> EpochFold::ReadFile(const SubjectDictionary& dictionary, size_t file,
                                                   uint32_t first) const {
  Result<std::vector<SubjectId>> subjects = dictionary.ReadFile(file);
  if (!subjects) return subjects;
  for (auto at = std::lower_bound(gone_.begin(), gone_.end(), first);
       at != gone_.end() && *at - first < subjects->size(); ++at) {
    (*subjects)[*at - first] = SubjectId{};
  }
  return subjects;
}

// A new file takes in those before it that are not much larger: so there are few files, and each
// subject is written anew a few times only.
Result<void> EpochFold::RebuildSubjects(const SubjectDictionary& dictionary,
                                        const std::vector<SubjectId>& newcomers) {
  std::vector<LedgerSubjectsFile>& files = epoch_.subjects;
  size_t kept = files.size();
  uint64_t size = newcomers.size();
  while (kept > 0 && files[kept - 1].subjects < 2 * size) size += files[--kept].subjects;
  std::vector<SubjectId> tail;
  tail.reserve(newcomers.empty() ? 0 : size);
  uint32_t first = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    const uint32_t end = first + files[i].subjects;
    const auto gone = std::lower_bound(gone_.begin(), gone_.end(), first);
    if (i >= kept || (gone != gone_.end() && *gone < end)) {
      Result<std::vector<SubjectId>> subjects = ReadFile(dictionary, i, first);
      if (!subjects) return subjects.error();
      if (i < kept) {
        Result<LedgerSubjectsFile> written = WriteSubjects(*subjects);
        if (!written) return written.error();
        files[i] = *std::move(written);
      } else {
        tail.insert(tail.end(), subjects->begin(), subjects->end());
      }
    }
    first = end;
  }
  if (newcomers.empty()) return {};
  tail.insert(tail.end(), newcomers.begin(), newcomers.end());
  Result<LedgerSubjectsFile> written = WriteSubjects(tail);
  if (!written) return written.error();
  files.resize(kept);
  files.push_back(*std::move(written));
  return {};
}

Result<bool> EpochFold::HasGone(const DayFile& file) const {
  DayCursor cursor(&file, ordinals_);
  while (!cursor.AtEnd() && !std::binary_search(gone_.begin(), gone_.end(), cursor.ordinal()))
    cursor.Next();
  if (Result<void> read = cursor.status(); !read) return read.error();
  return !cursor.AtEnd();
}

Result<void> EpochFold::RebuildDays(const std::map<int32_t, UnfoldedDay>& days) {
  static const UnfoldedDay kNothing;
  std::map<int32_t, const LedgerDayFile*> all;
  const std::vector<LedgerDayFile> old = std::move(epoch_.days);
  epoch_.days.clear();
  for (const auto& [day, added] : days) all[day] = nullptr;
  for (const LedgerDayFile& file : old) all[file.day] = &file;
  for (const auto& [day, file] : all) {
    const auto added = days.find(day);
    if (added == days.end() && gone_.empty()) {
      epoch_.days.push_back(*file);
      continue;
    }
    Result<void> rebuilt = RebuildDay(day, file, added == days.end() ? kNothing : added->second);
    if (!rebuilt) return rebuilt;
  }
  return {};
}

Result<void> EpochFold::RebuildDay(int32_t day, const LedgerDayFile* old,
                                   const UnfoldedDay& added) {
  std::optional<DayFile> file;
  if (old != nullptr) {
    Result<DayFile> opened = DayFile::Open(fs_, dir_, *old);
    if (!opened) return opened.error();
    file = *std::move(opened);
    if (added.entries.empty() && added.nobody.empty()) {
      const Result<bool> has_gone = HasGone(*file);
      if (!has_gone) return has_gone.error();
      if (!*has_gone) {
        epoch_.days.push_back(*old);
        return {};
      }
    }
  }
  Result<MergedDay> merged =
      MergeDay({day, file ? &*file : nullptr, added, gone_, ordinals_, &table_});
  if (!merged) return merged.error();
  Result<LedgerFileRef> written =
      writer_.Write(LedgerFileKind::kDay, merged->bytes, std::move(merged->key));
  if (!written) return written.error();
  epoch_.days.push_back({*std::move(written), day, merged->sends, merged->subjects});
  return {};
}

}  // namespace

Result<LedgerVendors> FoldLedger(FileSystem& fs, const std::string& dir, const LedgerVendors& now,
                                 const LedgerChange& change, LedgerFileWriter* writer) {
  static const LedgerBatches kNoBatches;
  LedgerVendors next = now;
  for (const LedgerBatchRef& batch : change.batches) {
    LedgerVendor& vendor = next[batch->vendor];
    vendor.last_sequence = std::max(vendor.last_sequence, batch->sequence);
    if (!batch->sends.empty()) vendor.epochs.try_emplace(batch->epoch);
  }
  const auto groups = GroupBatches(change.batches);
  for (auto& [name, vendor] : next) {
    for (auto& [number, epoch] : vendor.epochs) {
      const auto group = groups.find({name, number});
      if (group == groups.end() && change.gone.empty()) continue;
      EpochFold fold(fs, dir, &epoch, writer);
      Result<void> folded =
          fold.Run(group == groups.end() ? kNoBatches : group->second, change.gone);
      if (!folded) return folded.error();
    }
  }
  return next;
}

}  // namespace bulkhead
