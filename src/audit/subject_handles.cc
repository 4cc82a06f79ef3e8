#include "audit/subject_handles.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/byte_codec.h"

namespace bulkhead {
namespace {

constexpr std::string_view kMagic = "BHSUBJ\x01";
constexpr size_t kFileIdBytes = 16;
constexpr size_t kHeaderBytes = 7 + kFileIdBytes;
constexpr size_t kChunkHeaderBytes = 3 * sizeof(uint32_t);
constexpr size_t kRowBytes = 32;
constexpr size_t kRowsPerChunk = 32UL * 1024;
constexpr size_t kMaxBoxBytes = kAeadOverheadBytes + kRowsPerChunk * kRowBytes;
constexpr std::string_view kHandleDomain = "bulkhead audit subject v1\n";

struct Chunk {
  uint32_t save = 0;
  uint32_t part = 0;
  std::string_view box;
};

// What stands at the front, or an empty box.
Chunk ReadChunk(std::string_view bytes) {
  ByteReader reader(bytes);
  const uint32_t size = reader.Fixed<uint32_t>();
  Chunk chunk;
  chunk.save = reader.Fixed<uint32_t>();
  chunk.part = reader.Fixed<uint32_t>();
  chunk.box = size > kMaxBoxBytes ? std::string_view() : reader.Raw(size);
  return chunk;
}

std::string_view View(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

SubjectHandles::SubjectHandles(FileSystem& fs, std::string path, const KeyRing* keys)
    : fs_(fs), path_(std::move(path)), keys_(*keys) {}

Result<std::unique_ptr<SubjectHandles>> SubjectHandles::Open(FileSystem& fs, std::string path,
                                                             const KeyRing* keys) {
  std::unique_ptr<SubjectHandles> handles(new SubjectHandles(fs, std::move(path), keys));
  if (Result<void> loaded = handles->Load(); !loaded) {
    return loaded.error();
  }
  return handles;
}

Result<void> SubjectHandles::Rewrap() {
  const std::lock_guard lock(mutex_);
  if (!needs_old_key_) {
    return {};
  }
  Result<void> written = WriteNew(rows_);
  saved_rows_ = written ? rows_.size() : saved_rows_;
  return written;
}

std::vector<std::optional<SubjectHandle>> SubjectHandles::Find(
    std::span<const SubjectId> subjects) const {
  std::vector<std::optional<SubjectHandle>> handles;
  handles.reserve(subjects.size());
  const std::lock_guard lock(mutex_);
  for (const SubjectId& subject : subjects) {
    const auto found = by_subject_.find(subject);
    handles.push_back(found == by_subject_.end() ? std::nullopt
                                                 : std::optional(HandleOf(rows_[found->second])));
  }
  return handles;
}

SubjectHandle SubjectHandles::HandleOf(const Row& row) {
  char text[kHandleDomain.size() + 32];
  std::memcpy(text, kHandleDomain.data(), kHandleDomain.size());
  std::memcpy(text + kHandleDomain.size(), row.nonce.data(), row.nonce.size());
  std::memcpy(text + kHandleDomain.size() + 16, row.subject.bytes.data(), 16);
  const std::array<uint8_t, 32> digest = Sha256(std::string_view(text, sizeof(text)));
  SubjectHandle handle;
  std::memcpy(handle.bytes.data(), digest.data(), handle.bytes.size());
  return handle;
}

void SubjectHandles::AddRow(const Row& row) {
  // A subject has two rows where two processes met it at once; both handles stay good.
  by_subject_.try_emplace(row.subject, static_cast<uint32_t>(rows_.size()));
  rows_.push_back(row);
}

std::string SubjectHandles::Associated(uint32_t save, uint32_t part) const {
  std::string text = "bulkhead audit subjects v1\n" + file_id_;
  ByteWriter writer(&text);
  writer.Fixed(save);
  writer.Fixed(part);
  return text;
}

Result<void> SubjectHandles::Load() {
  file_id_.clear();
  good_bytes_ = 0;
  saves_ = 0;
  torn_ = false;
  const Result<std::string> bytes = fs_.ReadWhole(path_);
  if (!bytes) {
    return bytes.error().code == ErrorCode::kNotFound ? Result<void>() : bytes.error();
  }
  if (bytes->size() < kHeaderBytes || !bytes->starts_with(kMagic)) {
    return Error{ErrorCode::kCorruption, path_ + " is not a table of subjects of this version"};
  }
  file_id_ = bytes->substr(kMagic.size(), kFileIdBytes);
  Result<void> read = ReadChunks(*bytes);
  saved_rows_ = rows_.size();
  return read;
}

Result<void> SubjectHandles::ReadChunks(std::string_view bytes) {
  good_bytes_ = kHeaderBytes;
  while (good_bytes_ < bytes.size()) {
    const Chunk chunk = ReadChunk(bytes.substr(static_cast<size_t>(good_bytes_)));
    const std::string associated = Associated(chunk.save, chunk.part);
    Result<SecretBytes> rows = AeadDecrypt(keys_.newest().key, chunk.box, associated);
    if (!rows) {
      rows = AeadDecryptWithAny(keys_, chunk.box, associated);
      needs_old_key_ = needs_old_key_ || rows.has_value();
    }
    if (!rows || rows->size() % kRowBytes != 0 || chunk.save > saves_ + 1) {
      // The end of a write that was cut off: nothing in the log needs it.
      torn_ = saves_ > 0 && !IsFollowedByLaterSave(bytes, static_cast<size_t>(good_bytes_));
      return torn_
                 ? Result<void>()
                 : Error{ErrorCode::kCorruption, path_ + " does not open: changed, or another key"};
    }
    for (size_t at = 0; at < rows->size(); at += kRowBytes) {
      Row row;
      std::memcpy(row.subject.bytes.data(), rows->data() + at, 16);
      std::memcpy(row.nonce.data(), rows->data() + at + 16, 16);
      AddRow(row);
    }
    saves_ = chunk.save;
    good_bytes_ += kChunkHeaderBytes + chunk.box.size();
  }
  return {};
}

// Whether what does not open at `from` is damage and no torn end: a save that was begun after that
// one lies behind it.
bool SubjectHandles::IsFollowedByLaterSave(std::string_view bytes, size_t from) const {
  for (size_t at = from + 1; at + kChunkHeaderBytes + kAeadOverheadBytes <= bytes.size(); ++at) {
    const Chunk chunk = ReadChunk(bytes.substr(at));
    if (chunk.save > saves_ + 1 && chunk.box.size() >= kAeadOverheadBytes &&
        AeadDecryptWithAny(keys_, chunk.box, Associated(chunk.save, chunk.part))) {
      return true;
    }
  }
  return false;
}

std::vector<SubjectHandle> SubjectHandles::Assign(std::span<const SubjectId> subjects) {
  std::vector<SubjectHandle> handles;
  handles.reserve(subjects.size());
  const std::lock_guard lock(mutex_);
  for (const SubjectId& subject : subjects) {
    auto found = by_subject_.find(subject);
    if (found == by_subject_.end()) {
      Row row{subject, {}};
      RandomBytes(row.nonce);
      AddRow(row);
      found = by_subject_.find(subject);
    }
    handles.push_back(HandleOf(rows_[found->second]));
  }
  return handles;
}

std::string SubjectHandles::EncodeChunk(std::span<const Row> rows, uint32_t save,
                                        uint32_t part) const {
  std::string text;
  text.reserve(rows.size() * kRowBytes);
  for (const Row& row : rows) {
    text.append(View(row.subject.bytes));
    text.append(View(row.nonce));
  }
  const std::string box = AeadEncrypt(keys_.newest().key, text, Associated(save, part));
  Wipe(&text);
  std::string out;
  ByteWriter writer(&out);
  writer.Fixed(static_cast<uint32_t>(box.size()));
  writer.Fixed(save);
  writer.Fixed(part);
  writer.Raw(box);
  return out;
}

std::string SubjectHandles::EncodeSave(std::span<const Row> rows, uint32_t save) const {
  std::string out;
  for (uint32_t part = 0; part == 0 || !rows.empty(); ++part) {
    const size_t count = std::min(rows.size(), kRowsPerChunk);
    out += EncodeChunk(rows.first(count), save, part);
    rows = rows.subspan(count);
  }
  return out;
}

// The whole file anew, under an id of its own.
Result<void> SubjectHandles::WriteNew(std::span<const Row> rows) {
  const std::string old_id = std::exchange(file_id_, std::string(kFileIdBytes, '\0'));
  RandomBytes({reinterpret_cast<uint8_t*>(file_id_.data()), file_id_.size()});
  // The first save is always whole, so that a wrong key shows at once.
  const std::string bytes = std::string(kMagic) + file_id_ + EncodeSave(rows, 1);
  if (Result<void> written = fs_.WriteFileAtomically(path_, bytes); !written) {
    file_id_ = old_id;
    return written;
  }
  good_bytes_ = bytes.size();
  saves_ = 1;
  needs_old_key_ = false;
  torn_ = false;
  return {};
}

Result<void> SubjectHandles::AppendRows(std::span<const Row> rows) {
  Result<std::unique_ptr<AppendFile>> file = fs_.OpenAppend(path_);
  if (!file) {
    return file.error();
  }
  if (torn_) {
    if (Result<void> cut = (*file)->Truncate(good_bytes_); !cut) {
      return cut;
    }
  }
  const std::string bytes = EncodeSave(rows, saves_ + 1);
  torn_ = true;
  if (Result<void> written = (*file)->Append(bytes); !written) {
    return written;
  }
  if (Result<void> synced = (*file)->Sync(); !synced) {
    return synced;
  }
  torn_ = false;
  good_bytes_ += bytes.size();
  ++saves_;
  return {};
}

Result<void> SubjectHandles::Save() {
  const std::lock_guard lock(mutex_);
  const std::span<const Row> unsaved = std::span<const Row>(rows_).subspan(saved_rows_);
  if (unsaved.empty()) {
    return {};
  }
  if (Result<void> saved = file_id_.empty() ? WriteNew(rows_) : AppendRows(unsaved); !saved) {
    return saved;
  }
  saved_rows_ = rows_.size();
  return {};
}

Result<void> SubjectHandles::Forget(std::span<const SubjectId> subjects) {
  const std::lock_guard lock(mutex_);
  std::vector<SubjectId> sorted(subjects.begin(), subjects.end());
  std::sort(sorted.begin(), sorted.end());
  const auto is_forgotten = [&](const Row& row) {
    return std::binary_search(sorted.begin(), sorted.end(), row.subject);
  };
  std::vector<Row> kept;
  kept.reserve(rows_.size());
  std::copy_if(rows_.begin(), rows_.end(), std::back_inserter(kept),
               [&](const Row& row) { return !is_forgotten(row); });
  if (kept.size() == rows_.size()) {
    return {};
  }
  if (Result<void> written = WriteNew(kept); !written) {
    return written;
  }
  rows_.clear();
  by_subject_.clear();
  for (const Row& row : kept) {
    AddRow(row);
  }
  saved_rows_ = rows_.size();
  return {};
}

Result<bool> SubjectHandles::IsCurrent() const {
  const std::lock_guard lock(mutex_);
  const Result<std::unique_ptr<ReadFile>> file = fs_.OpenRead(path_);
  if (!file) {
    return file.error().code == ErrorCode::kNotFound ? Result<bool>(file_id_.empty())
                                                     : file.error();
  }
  const Result<std::string> header = (*file)->ReadAt(0, kHeaderBytes);
  const Result<uint64_t> size = (*file)->Size();
  if (!header || !size) {
    return header ? size.error() : header.error();
  }
  return *header == std::string(kMagic) + file_id_ && (torn_ || *size == good_bytes_);
}

Result<void> SubjectHandles::Reload() {
  const std::lock_guard lock(mutex_);
  const std::vector<Row> unsaved(rows_.begin() + static_cast<ptrdiff_t>(saved_rows_), rows_.end());
  rows_.clear();
  by_subject_.clear();
  saved_rows_ = 0;
  Result<void> loaded = Load();
  saved_rows_ = rows_.size();
  for (const Row& row : unsaved) {
    AddRow(row);
  }
  return loaded;
}

SubjectHandles::Resolved SubjectHandles::Resolve(std::span<const SubjectHandle> handles) const {
  Resolved resolved;
  const std::lock_guard lock(mutex_);
  for (const Row& row : rows_) {
    if (std::binary_search(handles.begin(), handles.end(), HandleOf(row))) {
      resolved.subjects.push_back(row.subject);
    }
  }
  resolved.forgotten = handles.size() - resolved.subjects.size();
  std::sort(resolved.subjects.begin(), resolved.subjects.end());
  resolved.subjects.erase(std::unique(resolved.subjects.begin(), resolved.subjects.end()),
                          resolved.subjects.end());
  return resolved;
}

}  // namespace bulkhead
