#include "store/manifest.h"

#include <cstdio>

#include "base/byte_codec.h"
#include "base/crc32c.h"
#include "store/segment_format.h"

namespace bulkhead {
namespace {

constexpr std::string_view kHead{"BHMAN\0\0\1", 8};  // last byte: version
constexpr uint64_t kLargest = UINT64_MAX / 4;        // positions, file numbers, rows ever

Error Damaged(const char* what) {
  return Error{ErrorCode::kCorruption, std::string("manifest: ") + what};
}

std::string FileName(const char* kind, uint64_t file) {
  char name[64];
  std::snprintf(name, sizeof(name), "%s-%010llu", kind, static_cast<unsigned long long>(file));
  return name;
}

bool ReadSegment(ByteReader* in, ManifestSegment* segment) {
  segment->file = in->Varint();
  const size_t dead = in->Count();
  uint64_t row = 0;
  for (size_t i = 0; i < dead; ++i) {
    const uint64_t step = in->Varint();
    if (step > kMaxSegmentRows || (i > 0 && step == 0)) {
      return false;
    }
    row += step;
    if (row >= kMaxSegmentRows) {
      return false;
    }
    segment->dead_rows.push_back(static_cast<uint32_t>(row));
  }
  return in->ok() && segment->file != 0;
}

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  std::string body;
  ByteWriter writer(&body);
  writer.Varint(manifest.position);
  writer.Varint(manifest.people_position);
  writer.Varint(manifest.people_file);
  writer.Varint(manifest.next_file);
  writer.Varint(manifest.next_seq);
  writer.Varint(manifest.segments.size());
  for (const ManifestSegment& segment : manifest.segments) {
    writer.Varint(segment.file);
    writer.Varint(segment.dead_rows.size());
    uint32_t last = 0;
    for (const uint32_t row : segment.dead_rows) {
      writer.Varint(row - last);
      last = row;
    }
  }
  std::string out(kHead);
  ByteWriter(&out).Fixed(Crc32c(body));
  return out + body;
}

Result<Manifest> DecodeManifest(std::string_view bytes) {
  if (bytes.size() < kHead.size() + 4 || bytes.substr(0, 7) != kHead.substr(0, 7)) {
    return Damaged("file is cut off or is no manifest");
  }
  if (bytes[7] != kHead[7]) {
    return Damaged("format version is not known to this program");
  }
  ByteReader in(bytes.substr(kHead.size()));
  const auto crc = in.Fixed<uint32_t>();
  if (Crc32c(bytes.substr(kHead.size() + 4)) != crc) {
    return Damaged("checksum does not match");
  }
  Manifest manifest;
  for (uint64_t* field : {&manifest.position, &manifest.people_position, &manifest.people_file,
                          &manifest.next_file, &manifest.next_seq}) {
    *field = in.Varint();
    if (*field > kLargest) {
      return Damaged("impossible number");
    }
  }
  const size_t segments = in.Count();
  for (size_t i = 0; i < segments; ++i) {
    if (!ReadSegment(&in, &manifest.segments.emplace_back()) ||
        manifest.segments.back().file >= manifest.next_file) {
      return Damaged("list of segments is malformed");
    }
  }
  if (!in.ok() || !in.AtEnd() || manifest.next_file == 0 ||
      (manifest.people_file != 0 && manifest.people_file >= manifest.next_file)) {
    return Damaged("malformed");
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
