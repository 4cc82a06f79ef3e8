#include "store/people_file.h"

#include <algorithm>

#include "base/byte_codec.h"
#include "base/crc32c.h"
#include "crypto/block_file.h"
#include "store/block_codec.h"
#include "store/value_codec.h"

namespace bulkhead {
namespace {

// The last byte is the version. Version 1 is plain; it is read, and no longer written.
constexpr std::string_view kHead{"BHPEO\0\0\2", 8};
constexpr std::string_view kPlainHead{"BHPEO\0\0\1", 8};
constexpr size_t kChunkBytes = 1UL << 20;
constexpr size_t kMaxChunkBytes = 1UL << 30;
enum Item : uint8_t { kEnd = 0, kLink = 1, kPerson = 2, kGroup = 3 };

Error Damaged(const char* what) {
  return Error{ErrorCode::kCorruption, std::string("people file: ") + what};
}

std::string_view Bytes(const SubjectId& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

// Chunks of items: size, then the encrypted bytes.
class Writer {
 public:
  explicit Writer(AppendFile* file) : file_(file) {
    offset_ = cipher_.head().size();
    status_ = file_->Append(cipher_.head());
  }

  std::string* chunk() { return &chunk_; }
  // After each item.
  void MaybeEmit() {
    if (chunk_.size() >= kChunkBytes) {
      Emit(false);
    }
  }
  void Emit(bool last) {
    if (!status_) {
      return;
    }
    std::string body;
    EncodeBytes(chunk_, 3, &body);
    std::string out;
    const uint64_t box_bytes = body.size() + kBlockTagBytes;
    ByteWriter(&out).Fixed(static_cast<uint32_t>(box_bytes));
    offset_ += out.size();
    cipher_.Encrypt(offset_, body, last ? offset_ + box_bytes : 0, &out);
    offset_ += box_bytes;
    status_ = file_->Append(out);
    chunk_.clear();
  }
  [[nodiscard]] const Result<void>& status() const { return status_; }
  [[nodiscard]] const SecretBytes& key() const { return cipher_.key(); }

 private:
  AppendFile* file_;
  BlockFile cipher_{kHead};
  uint64_t offset_ = 0;
  std::string chunk_;
  Result<void> status_;
};

bool ReadId(ByteReader* in, SubjectId* id) {
  const std::string_view raw = in->Raw(id->bytes.size());
  if (!in->ok()) {
    return false;
  }
  std::copy(raw.begin(), raw.end(), id->bytes.begin());
  return true;
}

bool ReadItems(std::string_view chunk, std::vector<IdentityLink>* links, Profiles* profiles,
               bool* ended) {
  ByteReader in(chunk);
  while (in.ok() && !in.AtEnd() && !*ended) {
    const uint8_t item = in.Byte();
    auto object = std::make_shared<ValueObject>();
    if (item == kLink) {
      IdentityLink& link = links->emplace_back();
      if (!ReadId(&in, &link.device) || !ReadId(&in, &link.user)) return false;
      link.time_ms = in.SignedVarint();
      link.position = in.Varint();
    } else if (item == kPerson) {
      SubjectId id;
      if (!ReadId(&in, &id) || !DecodeObject(&in, object.get())) return false;
      profiles->people().At(id) = std::move(object);
    } else if (item == kGroup) {
      GroupId id;
      id.key = std::string(in.String());
      id.id = std::string(in.String());
      if (!DecodeObject(&in, object.get())) return false;
      profiles->groups().At(id) = std::move(object);
    } else if (item == kEnd) {
      *ended = true;
    } else {
      return false;
    }
  }
  return in.ok() && in.AtEnd();
}

bool ReadChunk(std::string_view body, std::vector<IdentityLink>* links, Profiles* profiles,
               bool* ended) {
  std::string chunk;
  return DecodeBytes(body, kMaxChunkBytes, &chunk) && ReadItems(chunk, links, profiles, ended);
}

Result<void> ReadPlain(std::string_view file, std::vector<IdentityLink>* links,
                       Profiles* profiles) {
  ByteReader in(file.substr(kPlainHead.size()));
  bool ended = false;
  while (!ended) {
    const auto size = in.Fixed<uint32_t>();
    const auto crc = in.Fixed<uint32_t>();
    const std::string_view body = in.Raw(size);
    if (!in.ok()) return Damaged("file is cut off");
    if (Crc32c(body) != crc) return Damaged("checksum does not match");
    if (!ReadChunk(body, links, profiles, &ended)) return Damaged("malformed");
  }
  if (!in.AtEnd()) return Damaged("bytes after the end");
  return {};
}

Result<void> ReadEncrypted(std::string_view file, const SecretBytes& key,
                           std::vector<IdentityLink>* links, Profiles* profiles) {
  const Result<BlockFile> cipher = BlockFile::OfHead(kHead, file, key);
  if (!cipher) return Damaged(cipher.error().message.c_str());
  ByteReader in(file.substr(kBlockFileHeadBytes));
  std::string body;
  bool ended = false;
  while (!ended) {
    const auto size = in.Fixed<uint32_t>();
    const uint64_t offset = file.size() - in.remaining();
    const std::string_view box = in.Raw(size);
    if (!in.ok() || size < kBlockTagBytes) return Damaged("file is cut off");
    body.resize(size - kBlockTagBytes);
    const Result<void> opened =
        cipher->Decrypt(offset, box, in.AtEnd() ? file.size() : 0,
                        {reinterpret_cast<uint8_t*>(body.data()), body.size()});
    if (!opened) return Damaged("chunk does not open: changed, moved, or another file's key");
    if (!ReadChunk(body, links, profiles, &ended)) return Damaged("malformed");
  }
  if (!in.AtEnd()) return Damaged("bytes after the end");
  return {};
}

}  // namespace

Result<SecretBytes> WritePeopleFile(FileSystem& fs, const std::string& path,
                                    const PeopleState& state) {
  if (fs.Exists(path)) {
    if (Result<void> removed = fs.Remove(path); !removed) return removed.error();
  }
  Result<std::unique_ptr<AppendFile>> file = fs.OpenAppend(path);
  if (!file) return file.error();
  Writer writer(file->get());
  ByteWriter out(writer.chunk());
  for (const IdentityLink& link : state.links) {
    out.Byte(kLink);
    out.Raw(Bytes(link.device));
    out.Raw(Bytes(link.user));
    out.SignedVarint(link.time_ms);
    out.Varint(link.position);
    writer.MaybeEmit();
  }
  state.people->ForEach([&](const SubjectId& id, const Profiles::Object& object) {
    out.Byte(kPerson);
    out.Raw(Bytes(id));
    EncodeObject(*object, writer.chunk());
    writer.MaybeEmit();
  });
  state.groups->ForEach([&](const GroupId& id, const Profiles::Object& object) {
    out.Byte(kGroup);
    out.String(id.key);
    out.String(id.id);
    EncodeObject(*object, writer.chunk());
    writer.MaybeEmit();
  });
  out.Byte(kEnd);
  writer.Emit(true);
  if (!writer.status()) return writer.status().error();
  if (Result<void> synced = (*file)->Sync(); !synced) return synced.error();
  return SecretBytes(writer.key().view());
}

Result<void> ReadPeople(std::string_view file, const SecretBytes& key, IdentityLinks* links,
                        Profiles* profiles) {
  const bool plain = file.starts_with(kPlainHead);
  if (!plain && !file.starts_with(kHead)) {
    return Damaged(file.starts_with(kHead.substr(0, 7)) ? "format version is not known"
                                                        : "file is cut off or is no people file");
  }
  if (plain != key.empty()) {
    return Damaged("plain where it should be encrypted, or the reverse");
  }
  std::vector<IdentityLink> restored;
  Result<void> read =
      plain ? ReadPlain(file, &restored, profiles) : ReadEncrypted(file, key, &restored, profiles);
  if (read) links->Restore(std::move(restored));
  return read;
}

}  // namespace bulkhead
