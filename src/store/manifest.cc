#include "store/manifest.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/byte_codec.h"
#include "base/crc32c.h"
#include "crypto/sealed_file.h"
#include "store/segment_format.h"

namespace bulkhead {
namespace {

// The last byte is the version. Version 1 is plain; it is read, and no longer written.
constexpr std::string_view kHead{"BHMAN\0\0\2", 8};
constexpr std::string_view kPlainHead{"BHMAN\0\0\1", 8};
constexpr uint64_t kLargest = UINT64_MAX / 4;  // positions, file numbers, rows ever
enum SegmentFlags : uint8_t { kHasKey = 1, kPurgeDue = 2 };

Error Damaged(const std::string& what) {
  return Error{ErrorCode::kCorruption, "manifest: " + what};
}

std::string FileName(const char* kind, uint64_t file) {
  char name[64];
  std::snprintf(name, sizeof(name), "%s-%010llu", kind, static_cast<unsigned long long>(file));
  return name;
}

// Hands out the keys in the order in which the body asks for them.
class KeyReader {
 public:
  explicit KeyReader(std::string_view bytes) : in_(bytes) {}
  SecretBytes Next() { return SecretBytes(in_.Raw(kKeyBytes)); }
  [[nodiscard]] bool Ended() const { return in_.ok() && in_.AtEnd(); }

 private:
  ByteReader in_;
};

// Gap and length of each run; in version 1, of single rows, the gap alone.
bool ReadDeadRows(ByteReader* in, bool plain, std::vector<RowRun>* dead) {
  const size_t runs = in->Count();
  uint64_t row = 0;
  for (size_t i = 0; i < runs; ++i) {
    const uint64_t gap = in->Varint();
    const uint64_t count = plain ? 1 : in->Varint();
    if (gap > kMaxSegmentRows || (i > 0 && gap == 0) || count == 0 || count > kMaxSegmentRows) {
      return false;
    }
    row += gap;
    if (row + count > kMaxSegmentRows) {
      return false;
    }
    dead->push_back({static_cast<uint32_t>(row), static_cast<uint32_t>(count)});
    row += plain ? 0 : count;
  }
  return true;
}

bool ReadSegment(ByteReader* in, bool plain, KeyReader* keys, ManifestSegment* segment) {
  segment->file = in->Varint();
  const uint8_t flags = plain ? 0 : in->Byte();
  if ((flags & ~(kHasKey | kPurgeDue)) != 0) {
    return false;
  }
  if ((flags & kHasKey) != 0) {
    segment->key = keys->Next();
  }
  segment->purge_due = (flags & kPurgeDue) != 0;
  return ReadDeadRows(in, plain, &segment->dead_rows) && in->ok() && segment->file != 0;
}

Result<Manifest> DecodeBody(std::string_view body, std::string_view secrets, bool plain) {
  ByteReader in(body);
  KeyReader keys(secrets);
  Manifest manifest;
  std::vector<uint64_t*> fields = {&manifest.position, &manifest.people_position,
                                   &manifest.people_file, &manifest.next_file, &manifest.next_seq};
  if (!plain) {
    fields.push_back(&manifest.commits);
    fields.push_back(&manifest.erasures_applied);
  }
  for (uint64_t* field : fields) {
    *field = in.Varint();
    if (*field > kLargest) return Damaged("impossible number");
  }
  if (!plain && in.Byte() != 0) {
    manifest.people_key = keys.Next();
  }
  const size_t segments = in.Count();
  for (size_t i = 0; i < segments; ++i) {
    if (!ReadSegment(&in, plain, &keys, &manifest.segments.emplace_back()) ||
        manifest.segments.back().file >= manifest.next_file) {
      return Damaged("list of segments is malformed");
    }
  }
  if (!in.ok() || !in.AtEnd() || !keys.Ended() || manifest.next_file == 0 ||
      (manifest.people_file != 0 && manifest.people_file >= manifest.next_file)) {
    return Damaged("malformed");
  }
  return manifest;
}

Result<Manifest> DecodePlain(std::string_view bytes) {
  ByteReader in(bytes.substr(kPlainHead.size()));
  const auto crc = in.Fixed<uint32_t>();
  if (!in.ok()) return Damaged("file is cut off");
  const std::string_view body = in.Raw(in.remaining());
  if (Crc32c(body) != crc) return Damaged("checksum does not match");
  return DecodeBody(body, {}, true);
}

void PutSegment(const ManifestSegment& segment, ByteWriter* out) {
  out->Varint(segment.file);
  out->Byte(static_cast<uint8_t>((segment.key.empty() ? 0 : kHasKey) |
                                 (segment.purge_due ? kPurgeDue : 0)));
  out->Varint(segment.dead_rows.size());
  uint32_t last = 0;
  for (const RowRun& run : segment.dead_rows) {
    out->Varint(run.first - last);
    out->Varint(run.count);
    last = run.first + run.count;
  }
}

SecretBytes CollectKeys(const Manifest& manifest) {
  std::vector<const SecretBytes*> keys = {&manifest.people_key};
  for (const ManifestSegment& segment : manifest.segments) keys.push_back(&segment.key);
  std::erase_if(keys, [](const SecretBytes* key) { return key->empty(); });
  SecretBytes all(keys.size() * kKeyBytes);
  for (size_t i = 0; i < keys.size(); ++i) {
    std::memcpy(all.data() + i * kKeyBytes, keys[i]->data(), kKeyBytes);
  }
  return all;
}

}  // namespace

std::string EncodeManifest(const Manifest& manifest, const KeyRing& ring, std::string_view owner) {
  std::string body;
  ByteWriter writer(&body);
  for (const uint64_t field :
       {manifest.position, manifest.people_position, manifest.people_file, manifest.next_file,
        manifest.next_seq, manifest.commits, manifest.erasures_applied}) {
    writer.Varint(field);
  }
  writer.Byte(manifest.people_key.empty() ? 0 : 1);
  writer.Varint(manifest.segments.size());
  for (const ManifestSegment& segment : manifest.segments) {
    PutSegment(segment, &writer);
  }
  return EncryptFile(ring, {kHead, owner}, CollectKeys(manifest), body);
}

Result<Manifest> DecodeManifest(std::string_view bytes, const KeyRing& ring,
                                std::string_view owner) {
  if (bytes.size() < kHead.size() || bytes.substr(0, 7) != kHead.substr(0, 7)) {
    return Damaged("file is cut off or is no manifest");
  }
  if (bytes.starts_with(kPlainHead)) {
    return DecodePlain(bytes);
  }
  if (!bytes.starts_with(kHead)) {
    return Damaged("format version is not known to this program");
  }
  const Result<SealedFile> file = DecryptFile(ring, {kHead, owner}, bytes);
  if (!file) {
    return Error{file.error().code, "manifest: " + file.error().message};
  }
  Result<Manifest> manifest = DecodeBody(file->body, file->secrets.view(), false);
  if (manifest) {
    manifest->ring_key = file->ring_key;
  }
  return manifest;
}

std::string SegmentFileName(uint64_t file) { return FileName("segment", file); }
std::string PeopleFileName(uint64_t file) { return FileName("people", file); }

bool IsStoreFileName(std::string_view name) {
  return name.starts_with("segment-") || name.starts_with("people-") ||
         name.starts_with(std::string(kManifestName) + ".");
}

}  // namespace bulkhead
