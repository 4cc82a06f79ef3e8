#include "access/catalogue_store.h"

#include <utility>

namespace bulkhead {

Result<CatalogueStore> CatalogueStore::Open(FileSystem& fs, const std::string& path,
                                            const KeyRing& keys, CatalogueMode mode) {
  if (keys.empty()) {
    return Error{ErrorCode::kDenied, "no key for the catalogue"};
  }
  Result<CatalogueDatabase> empty = CatalogueDatabase::Empty();
  if (!empty) {
    return empty.error();
  }
  CatalogueStore store(fs, path, keys, mode, *std::move(empty));
  const Result<void> opened =
      mode == CatalogueMode::kReadOnly ? store.Load() : store.OpenForWriting();
  if (!opened) {
    return opened.error();
  }
  return store;
}

Result<std::unique_ptr<PathLock>> CatalogueStore::Lock() { return fs_->Lock(path_ + ".lock"); }

Result<void> CatalogueStore::OpenForWriting() {
  const Result<std::unique_ptr<PathLock>> lock = Lock();
  if (!lock) {
    return lock.error();
  }
  if (mode_ == CatalogueMode::kCreate && !fs_->Exists(path_)) {
    return Write();
  }
  if (Result<void> loaded = Load(); !loaded) {
    return loaded;
  }
  return key_id_ == keys_->newest().id ? Result<void>() : Write();
}

Result<bool> CatalogueStore::Refresh() {
  const Result<std::unique_ptr<ReadFile>> file = fs_->OpenRead(path_);
  if (!file) {
    return file.error();
  }
  const Result<std::string> tag = (*file)->ReadAt(0, kCatalogueTagBytes);
  if (!tag) {
    return tag.error();
  }
  if (*tag == tag_) {
    return false;
  }
  if (Result<void> loaded = Load(); !loaded) {
    return loaded.error();
  }
  return true;
}

Result<void> CatalogueStore::Load() {
  const Result<std::string> bytes = fs_->ReadWhole(path_);
  if (!bytes) {
    return bytes.error();
  }
  const Result<CatalogueContent> content = DecodeCatalogue(*keys_, *bytes);
  if (!content) {
    return content.error();
  }
  const bool another = content->generation == generation_ && !tag_.empty();
  if (content->generation < generation_ || another) {
    return Error{ErrorCode::kCorruption,
                 "an older or another catalogue has taken the place of the newest"};
  }
  Result<CatalogueDatabase> database = CatalogueDatabase::FromImage(content->image());
  if (!database) {
    return database.error();
  }
  database_ = *std::move(database);
  generation_ = content->generation;
  key_id_ = content->key_id;
  tag_ = bytes->substr(0, kCatalogueTagBytes);
  return {};
}

Result<void> CatalogueStore::Change(const std::function<Result<void>(CatalogueDatabase&)>& change) {
  if (mode_ == CatalogueMode::kReadOnly) {
    return Error{ErrorCode::kDenied, "this process may only read the catalogue"};
  }
  const Result<std::unique_ptr<PathLock>> lock = Lock();
  if (!lock) {
    return lock.error();
  }
  if (Result<bool> fresh = Refresh(); !fresh) {
    return fresh.error();
  }
  const Result<std::string> before = database_.Image();
  if (!before) {
    return before.error();
  }
  Result<void> changed = change(database_);
  if (changed) {
    changed = Write();
  }
  if (!changed) {
    Result<CatalogueDatabase> restored = CatalogueDatabase::FromImage(*before);
    if (!restored) {
      return restored.error();
    }
    database_ = *std::move(restored);
  }
  return changed;
}

Result<void> CatalogueStore::Write() {
  const Result<std::string> image = database_.Image();
  if (!image) {
    return image.error();
  }
  const std::string bytes = EncodeCatalogue(*keys_, generation_ + 1, *image);
  if (Result<void> written = fs_->WriteFileAtomically(path_, bytes); !written) {
    tag_.clear();
    return Error{ErrorCode::kUnavailable, written.error().message};
  }
  ++generation_;
  key_id_ = keys_->newest().id;
  tag_ = bytes.substr(0, kCatalogueTagBytes);
  return {};
}

Result<bool> AdoptPlainCatalogue(FileSystem& fs, const std::string& plain_path,
                                 const std::string& path, const KeyRing& keys) {
  if (!fs.Exists(plain_path)) {
    return false;
  }
  const Result<std::string> image = CatalogueDatabase::ImageOfPlainFile(plain_path);
  if (!image) {
    return image.error();
  }
  if (fs.Exists(path)) {
    // A crash may have come before the removal; anything else is not for us to decide.
    const Result<std::string> bytes = fs.ReadWhole(path);
    if (!bytes) {
      return bytes.error();
    }
    const Result<CatalogueContent> content = DecodeCatalogue(keys, *bytes);
    if (!content) {
      return content.error();
    }
    if (content->image() != *image) {
      return Error{ErrorCode::kInvalid,
                   plain_path + " and " + path + " both exist and differ; remove one"};
    }
  } else if (Result<void> written = fs.WriteFileAtomically(path, EncodeCatalogue(keys, 1, *image));
             !written) {
    return written.error();
  }
  if (Result<void> removed = fs.Remove(plain_path); !removed) {
    return removed.error();
  }
  const Result<void> synced = fs.SyncDir(plain_path.substr(0, plain_path.rfind('/')));
  if (!synced) {
    return synced.error();
  }
  return true;
}

}  // namespace bulkhead
