#include "audit/audit_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "audit/audit_receipt.h"
#include "audit/subject_sets.h"

namespace bulkhead {
namespace {

constexpr std::string_view kEraseStart = "{\"action\":\"erase\",";
constexpr std::string_view kVetoStart = "{\"action\":\"export.veto\",";
constexpr std::string_view kDone = "done";
constexpr std::string_view kDenied = "denied";

Error BadEntry(uint64_t index) {
  return {ErrorCode::kCorruption, "entry " + std::to_string(index) + " is not an audit entry"};
}

Result<AuditRecord> Parse(uint64_t index, std::string_view bytes) {
  std::optional<AuditRecord> record = ReadAuditRecord(bytes);
  if (!record || record->index != index) {
    return BadEntry(index);
  }
  return *std::move(record);
}

}  // namespace

AuditReader::AuditReader(FileFetch fetch, Checkpoint checkpoint, std::string signed_checkpoint)
    : checkpoint_(std::move(checkpoint)),
      signed_checkpoint_(std::move(signed_checkpoint)),
      tiles_(std::move(fetch), checkpoint_.size) {}

Result<AuditReader> AuditReader::Open(FileFetch fetch, const LogKeys& log) {
  Result<std::string> bytes = fetch("checkpoint");
  if (!bytes) {
    return bytes.error();
  }
  return OpenAt(std::move(fetch), log, *std::move(bytes));
}

Result<AuditReader> AuditReader::OpenAt(FileFetch fetch, const LogKeys& log,
                                        std::string checkpoint) {
  const Result<Checkpoint> opened = OpenCheckpoint(checkpoint, log);
  if (!opened) {
    return opened.error();
  }
  return AuditReader(std::move(fetch), *opened, std::move(checkpoint));
}

Result<AuditRecord> AuditReader::Record(uint64_t index) {
  const Result<std::string> bytes = tiles_.Entry(index);
  return bytes ? Parse(index, *bytes) : bytes.error();
}

Result<void> AuditReader::ForEach(uint64_t begin, uint64_t end, const TakeEntry& take) {
  end = std::min(end, size());
  for (uint64_t bundle = begin / kTileWidth; bundle * kTileWidth < end; ++bundle) {
    const uint64_t first = bundle * kTileWidth;
    const Result<std::string> bytes = tiles_.BundleBytes(bundle);
    if (!bytes) {
      return bytes.error();
    }
    const auto entries = DecodeBundle(*bytes, std::min(end - first, kTileWidth), false);
    if (!entries) {
      return Error{ErrorCode::kCorruption, BundlePath(bundle, kTileWidth) + " is cut"};
    }
    for (size_t i = begin > first ? static_cast<size_t>(begin - first) : 0; i < entries->size();
         ++i) {
      const Result<bool> more = take(first + i, (*entries)[i]);
      if (!more) {
        return more.error();
      }
      if (!*more) {
        return {};
      }
    }
  }
  return {};
}

Result<uint64_t> AuditReader::FirstAtOrAfter(int64_t ts_ms) {
  uint64_t low = 0, high = size();
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    const Result<AuditRecord> record = Record(middle);
    if (!record) {
      return record.error();
    }
    if (record->ts_ms < ts_ms) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

Result<TreeHash> AuditReader::RootAt(uint64_t size) { return TreeRoot(size, tiles_.Subtrees()); }

Result<std::vector<TreeHash>> AuditReader::ProveConsistency(uint64_t old_size) {
  return ConsistencyProof(old_size, size(), tiles_.Subtrees());
}

Result<std::string> AuditReader::MakeReceipt(uint64_t index) {
  Result<std::string> entry = tiles_.Entry(index);
  if (!entry) {
    return entry;
  }
  Result<std::vector<TreeHash>> proof = InclusionProof(index, size(), tiles_.Subtrees());
  if (!proof) {
    return proof.error();
  }
  return WriteReceipt({*std::move(entry), index, *std::move(proof), signed_checkpoint_});
}

Result<void> AuditReader::ForEachRecord(std::string_view prefix, const TakeRecord& take) {
  return ForEach(0, size(), [&](uint64_t index, std::string_view bytes) -> Result<bool> {
    if (!bytes.starts_with(prefix)) {
      return true;
    }
    Result<AuditRecord> record = Parse(index, bytes);
    if (!record) {
      return record.error();
    }
    take(*std::move(record));
    return true;
  });
}

Result<std::vector<ErasedSubjectEntry>> AuditReader::ListErased() {
  std::vector<ErasedSubjectEntry> erased;
  Result<void> read = ForEachRecord(kEraseStart, [&](const AuditRecord& record) {
    if (record.entry.outcome != kDone) {
      return;
    }
    for (const SubjectId& subject : record.entry.subjects) {
      erased.push_back(
          {subject, record.entry.project, record.index, record.ts_ms, record.entry.scope});
    }
  });
  return read ? Result<std::vector<ErasedSubjectEntry>>(std::move(erased)) : read.error();
}

Result<std::vector<std::string>> AuditReader::ListVetoed() {
  std::vector<std::string> vetoed;
  Result<void> read = ForEachRecord(
      kVetoStart, [&](AuditRecord record) { vetoed.push_back(std::move(record.entry.approval)); });
  return read ? Result<std::vector<std::string>>(std::move(vetoed)) : read.error();
}

namespace {

template <typename T>
void SortEachOnce(std::vector<T>* values) {
  std::sort(values->begin(), values->end());
  values->erase(std::unique(values->begin(), values->end()), values->end());
}

// What the matching entries showed.
struct Collected {
  SubjectsSeen seen;
  std::vector<SubjectHandle> handles;
  size_t compact_at = size_t{1} << 20;  // so that many large reads of the same subjects stay small
};

Result<void> Collect(const AuditRecord& record, SubjectSetReader& sets, Collected* out) {
  if (!record.set && record.entry.scope.empty()) {
    return {};  // it concerned nobody
  }
  out->seen.entries += 1;
  if (!record.set) {
    out->seen.without_set.push_back(record.index);
    return {};
  }
  const Result<std::vector<SubjectHandle>> handles = sets.Read(record.index, *record.set);
  if (!handles && handles.error().code == ErrorCode::kNotFound) {
    out->seen.without_set.push_back(record.index);
    return {};
  }
  if (!handles) {
    return handles.error();
  }
  out->handles.insert(out->handles.end(), handles->begin(), handles->end());
  if (out->handles.size() > out->compact_at) {
    SortEachOnce(&out->handles);
    out->compact_at = std::max(out->compact_at, 2 * out->handles.size());
  }
  return {};
}

}  // namespace

Result<SubjectsSeen> ListSubjectsSeen(AuditReader& log, SubjectSetReader& sets,
                                      const SubjectHandles& handles, const SeenQuery& query) {
  const Result<uint64_t> begin = log.FirstAtOrAfter(query.from_ms);
  const Result<uint64_t> end = begin ? log.FirstAtOrAfter(query.to_ms) : begin;
  if (!end) {
    return end.error();
  }
  Collected all;
  const auto take = [&](uint64_t index, std::string_view bytes) -> Result<bool> {
    // A quick test first: most entries are other accounts'.
    if (bytes.find(query.actor) == std::string_view::npos &&
        query.actor.find_first_of("\"\\") == std::string::npos) {
      return true;
    }
    const Result<AuditRecord> record = Parse(index, bytes);
    if (!record) {
      return record.error();
    }
    const AuditEntry& entry = record->entry;
    if (entry.actor == query.actor && entry.outcome != kDenied && entry.action != kEraseAction) {
      if (Result<void> collected = Collect(*record, sets, &all); !collected) {
        return collected.error();
      }
    }
    return true;
  };
  if (Result<void> read = log.ForEach(*begin, *end, take); !read) {
    return read.error();
  }
  SortEachOnce(&all.handles);
  SubjectHandles::Resolved resolved = handles.Resolve(all.handles);
  all.seen.forgotten = resolved.forgotten;
  all.seen.subjects = std::move(resolved.subjects);
  return std::move(all.seen);
}

}  // namespace bulkhead
