#include "audit/subject_sets.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "audit/tiles.h"
#include "base/byte_codec.h"

namespace bulkhead {
namespace {

constexpr std::string_view kMagic = "BHSETS\x01";
constexpr size_t kHandleBytes = 16;

std::string PathOf(const std::string& dir, uint64_t bundle) {
  return dir + "/sets/" + NumberPath(bundle);
}

std::string DirectoryOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

std::string Associated(const SubjectSetRoot& root) {
  std::string text = "bulkhead audit set v1\n";
  text.append(reinterpret_cast<const char*>(root.root.data()), root.root.size());
  text.append(reinterpret_cast<const char*>(root.salt.data()), root.salt.size());
  return text;
}

TreeHash RootOfSet(std::span<const SubjectHandle> handles, const SubjectSetRoot& root) {
  std::vector<TreeHash> leaves;
  leaves.reserve(handles.size());
  char text[2 * kHandleBytes];
  std::memcpy(text, root.salt.data(), root.salt.size());
  for (const SubjectHandle& handle : handles) {
    std::memcpy(text + root.salt.size(), handle.bytes.data(), kHandleBytes);
    leaves.push_back(LeafHash(std::string_view(text, sizeof(text))));
  }
  return RootOf(leaves);
}

std::string EncodeRecord(uint64_t index, std::string_view box) {
  std::string out;
  ByteWriter writer(&out);
  writer.Fixed(static_cast<uint32_t>(box.size()));
  writer.Fixed(index);
  writer.Raw(box);
  return out;
}

std::string EncodeSet(const NewSubjectSet& set, const SecretBytes& key) {
  std::string text;
  text.reserve(set.handles.size() * kHandleBytes);
  for (const SubjectHandle& handle : set.handles) {
    text.append(reinterpret_cast<const char*>(handle.bytes.data()), kHandleBytes);
  }
  return EncodeRecord(set.index, AeadEncrypt(key, text, Associated(set.root)));
}

std::vector<SubjectHandle> DecodeSet(std::string_view text) {
  std::vector<SubjectHandle> handles(text.size() / kHandleBytes);
  if (!handles.empty()) {
    std::memcpy(handles.data(), text.data(), handles.size() * kHandleBytes);
  }
  return handles;
}

}  // namespace

SubjectSetRoot CommitToSet(std::vector<SubjectHandle>* handles) {
  std::sort(handles->begin(), handles->end());
  handles->erase(std::unique(handles->begin(), handles->end()), handles->end());
  SubjectSetRoot root;
  root.count = handles->size();
  RandomBytes(root.salt);
  root.root = RootOfSet(*handles, root);
  return root;
}

bool IsCommittedSet(std::span<const SubjectHandle> handles, const SubjectSetRoot& root) {
  return handles.size() == root.count &&
         std::adjacent_find(handles.begin(), handles.end(),
                            [](const auto& a, const auto& b) { return a >= b; }) == handles.end() &&
         RootOfSet(handles, root) == root.root;
}

std::optional<std::vector<SubjectSetRecord>> ListSubjectSets(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) {
    return std::nullopt;
  }
  std::vector<SubjectSetRecord> records;
  ByteReader reader(bytes.substr(kMagic.size()));
  while (!reader.AtEnd()) {
    const uint32_t size = reader.Fixed<uint32_t>();
    SubjectSetRecord record;
    record.index = reader.Fixed<uint64_t>();
    record.box = reader.Raw(size);
    if (!reader.ok()) {
      break;
    }
    record.end = bytes.size() - reader.remaining();
    records.push_back(record);
  }
  return records;
}

SubjectSetWriter::SubjectSetWriter(FileSystem& fs, std::string dir, const KeyRing* keys)
    : fs_(fs), dir_(std::move(dir)), keys_(*keys) {}

Result<void> SubjectSetWriter::OpenBundle(uint64_t bundle, uint64_t size) {
  const std::string path = PathOf(dir_, bundle);
  file_ = nullptr;
  const Result<std::string> bytes = fs_.ReadWhole(path);
  if (!bytes && bytes.error().code != ErrorCode::kNotFound) {
    return bytes.error();
  }
  const std::optional<std::vector<SubjectSetRecord>> records =
      bytes ? ListSubjectSets(*bytes) : std::nullopt;
  if (!records) {
    // New, or cut before any set was whole.
    if (bytes && bytes->size() >= kMagic.size() && bytes->find_first_not_of('\0') != bytes->npos) {
      return Error{ErrorCode::kCorruption, path + " is not a file of sets of this version"};
    }
    if (Result<void> made = fs_.CreateDirs(DirectoryOf(path)); !made) {
      return made;
    }
    if (Result<void> written = fs_.WriteFileAtomically(path, kMagic); !written) {
      return written;
    }
  }
  // Also where it is there already: whether its name is durable is not known.
  for (std::string dir = path; dir.size() > dir_.size();) {
    dir = DirectoryOf(dir);
    if (Result<void> synced = fs_.SyncDir(dir); !synced) {
      return synced;
    }
  }
  Result<std::unique_ptr<AppendFile>> file = fs_.OpenAppend(path);
  if (!file) {
    return file.error();
  }
  uint64_t good = kMagic.size();
  for (const SubjectSetRecord& record : records.value_or(std::vector<SubjectSetRecord>{})) {
    if (record.index >= size || record.index / kTileWidth != bundle) {
      break;
    }
    good = record.end;
  }
  if (records && good < bytes->size()) {
    if (Result<void> cut = (*file)->Truncate(good); !cut) {
      return cut;
    }
  }
  file_ = *std::move(file);
  bundle_ = bundle;
  return {};
}

Result<void> SubjectSetWriter::AppendToBundle(uint64_t bundle, std::string_view bytes,
                                              uint64_t size) {
  if (file_ == nullptr || bundle_ != bundle) {
    if (Result<void> opened = OpenBundle(bundle, size); !opened) {
      return opened;
    }
  }
  Result<void> done = file_->Append(bytes);
  if (done) {
    done = file_->Sync();
  }
  if (!done) {
    file_ = nullptr;
  }
  return done;
}

Result<void> SubjectSetWriter::Append(std::span<const NewSubjectSet> sets, uint64_t size) {
  std::map<uint64_t, std::string> by_bundle;
  for (const NewSubjectSet& set : sets) {
    by_bundle[set.index / kTileWidth] += EncodeSet(set, keys_.newest().key);
  }
  for (const auto& [bundle, bytes] : by_bundle) {
    if (Result<void> appended = AppendToBundle(bundle, bytes, size); !appended) {
      return appended;
    }
  }
  return {};
}

Result<bool> RewrapSubjectSets(FileSystem& fs, const std::string& dir, const KeyRing& keys,
                               const std::map<uint64_t, SubjectSetRoot>& roots) {
  if (roots.empty()) {
    return false;
  }
  const std::string path = PathOf(dir, roots.begin()->first / kTileWidth);
  const Result<std::string> bytes = fs.ReadWhole(path);
  if (!bytes) {
    return bytes.error().code == ErrorCode::kNotFound ? Result<bool>(false) : bytes.error();
  }
  std::string again(kMagic);
  bool is_old = false;
  for (const SubjectSetRecord& record :
       ListSubjectSets(*bytes).value_or(std::vector<SubjectSetRecord>{})) {
    const auto root = roots.find(record.index);
    if (root == roots.end()) {
      continue;  // of a write that never became part of the log
    }
    const std::string associated = Associated(root->second);
    if (AeadDecrypt(keys.newest().key, record.box, associated)) {
      again += EncodeRecord(record.index, record.box);
      continue;
    }
    const Result<SecretBytes> text = AeadDecryptWithAny(keys, record.box, associated);
    if (!text) {
      return Error{ErrorCode::kCorruption,
                   path + ": the set of entry " + std::to_string(record.index) + " does not open"};
    }
    again += EncodeRecord(record.index, AeadEncrypt(keys.newest().key, text->view(), associated));
    is_old = true;
  }
  if (!is_old) {
    return false;
  }
  Result<void> written = fs.WriteFileAtomically(path, again);
  return written ? Result<bool>(true) : written.error();
}

SubjectSetReader::SubjectSetReader(FileSystem& fs, std::string dir, const KeyRing* keys)
    : fs_(fs), dir_(std::move(dir)), keys_(*keys) {}

Result<std::vector<SubjectHandle>> SubjectSetReader::Read(uint64_t index,
                                                          const SubjectSetRoot& root) {
  const uint64_t bundle = index / kTileWidth;
  const std::string path = PathOf(dir_, bundle);
  if (bundle_ != bundle) {
    Result<std::unique_ptr<MappedFile>> file = fs_.Map(path);
    if (!file) {
      return file.error();
    }
    auto records = ListSubjectSets((*file)->bytes());
    if (!records) {
      return Error{ErrorCode::kCorruption, path + " is not a file of sets of this version"};
    }
    file_ = *std::move(file);
    records_ = *std::move(records);
    bundle_ = bundle;
  }
  bool found = false;
  for (const SubjectSetRecord& record : records_) {
    if (record.index != index) {
      continue;
    }
    found = true;
    const Result<SecretBytes> text = AeadDecryptWithAny(keys_, record.box, Associated(root));
    if (text && text->size() % kHandleBytes == 0) {
      std::vector<SubjectHandle> handles = DecodeSet(text->view());
      if (IsCommittedSet(handles, root)) {
        return handles;
      }
    }
  }
  return Error{found ? ErrorCode::kCorruption : ErrorCode::kNotFound,
               "the set of entry " + std::to_string(index) + " in " + path +
                   (found ? " is not the one that the entry committed to" : " is missing")};
}

}  // namespace bulkhead
