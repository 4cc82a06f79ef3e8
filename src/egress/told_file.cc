#include "egress/told_file.h"

#include <algorithm>
#include <cstring>

namespace bulkhead {

Result<std::unique_ptr<ToldFile>> ToldFile::Open(FileSystem* fs, std::string path,
                                                 const SecretBytes& key32) {
  std::unique_ptr<ToldFile> file(new ToldFile(fs, std::move(path), key32));
  if (!fs->Exists(file->path_)) return file;
  const Result<std::string> bytes = fs->ReadWhole(file->path_);
  if (!bytes) return bytes.error();
  for (size_t at = 0; at + sizeof(Digest) <= bytes->size(); at += sizeof(Digest)) {
    Digest digest;
    std::memcpy(digest.data(), bytes->data() + at, sizeof(Digest));
    file->told_.insert(digest);
  }
  return file;
}

ToldFile::Digest ToldFile::Of(std::string_view text) const {
  Digest digest;
  hash_.Digest128(text, digest.data());
  return digest;
}

// The whole file each time: alerts are rare, and at its largest it is a megabyte.
Result<void> ToldFile::Add(const std::set<Digest>& digests, const std::set<Digest>& still_wanted) {
  std::set<Digest> told = told_;
  told.insert(digests.begin(), digests.end());
  if (told.size() > kMaxDigests) {
    std::erase_if(told, [&](const Digest& digest) {
      return !still_wanted.contains(digest) && !digests.contains(digest);
    });
  }
  std::string bytes;
  for (const Digest& digest : told) {
    bytes.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  if (Result<void> written = fs_->WriteFileAtomically(path_, bytes); !written) return written;
  told_ = std::move(told);
  return {};
}

}  // namespace bulkhead
