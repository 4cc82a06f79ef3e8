#include "store/people_file.h"

#include <algorithm>

#include "base/byte_codec.h"
#include "base/crc32c.h"
#include "store/block_codec.h"
#include "store/value_codec.h"

namespace bulkhead {
namespace {

constexpr std::string_view kHead{"BHPEO\0\0\1", 8};  // last byte: version
constexpr size_t kChunkBytes = 1UL << 20;
constexpr size_t kMaxChunkBytes = 1UL << 30;
enum Item : uint8_t { kEnd = 0, kLink = 1, kPerson = 2, kGroup = 3 };

Error Damaged(const char* what) {
  return Error{ErrorCode::kCorruption, std::string("people file: ") + what};
}

std::string_view Bytes(const SubjectId& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

class Writer {
 public:
  explicit Writer(AppendFile* file) : file_(file) {}

  std::string* chunk() { return &chunk_; }
  // After each item.
  void MaybeEmit() {
    if (chunk_.size() >= kChunkBytes) {
      Emit();
    }
  }
  void Emit() {
    if (!status_ || chunk_.empty()) {
      return;
    }
    std::string body;
    EncodeBytes(chunk_, 3, &body);
    std::string head;
    ByteWriter(&head).Fixed(static_cast<uint32_t>(body.size()));
    ByteWriter(&head).Fixed(Crc32c(body));
    status_ = file_->Append(head + body);
    chunk_.clear();
  }
  [[nodiscard]] const Result<void>& status() const { return status_; }

 private:
  AppendFile* file_;
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

}  // namespace

Result<void> WritePeopleFile(FileSystem& fs, const std::string& path, const PeopleState& state) {
  if (fs.Exists(path)) {
    if (Result<void> removed = fs.Remove(path); !removed) return removed;
  }
  Result<std::unique_ptr<AppendFile>> file = fs.OpenAppend(path);
  if (!file) return file.error();
  if (Result<void> head = (*file)->Append(kHead); !head) return head;
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
  writer.Emit();
  if (!writer.status()) return writer.status();
  return (*file)->Sync();
}

Result<void> ReadPeople(std::string_view file, IdentityLinks* links, Profiles* profiles) {
  if (file.size() < kHead.size() || file.substr(0, 7) != kHead.substr(0, 7)) {
    return Damaged("file is cut off or is no people file");
  }
  if (file[7] != kHead[7]) {
    return Damaged("format version is not known to this program");
  }
  ByteReader in(file.substr(kHead.size()));
  std::vector<IdentityLink> restored;
  bool ended = false;
  while (!ended) {
    const auto size = in.Fixed<uint32_t>();
    const auto crc = in.Fixed<uint32_t>();
    const std::string_view body = in.Raw(size);
    if (!in.ok()) return Damaged("file is cut off");
    if (Crc32c(body) != crc) return Damaged("checksum does not match");
    std::string chunk;
    if (!DecodeBytes(body, kMaxChunkBytes, &chunk) ||
        !ReadItems(chunk, &restored, profiles, &ended)) {
      return Damaged("malformed");
    }
  }
  if (!in.AtEnd()) return Damaged("bytes after the end");
  links->Restore(std::move(restored));
  return {};
}

}  // namespace bulkhead
