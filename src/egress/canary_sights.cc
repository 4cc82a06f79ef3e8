#include "egress/canary_sights.h"

#include <utility>

#include "base/byte_codec.h"
#include "crypto/sealed_file.h"

namespace bulkhead {
namespace {

constexpr SealedKind kKind{"BHSEEN01", "canaries"};

}  // namespace

std::string EncodeCanarySights(const std::vector<CanarySights>& all) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Varint(all.size());
  for (const CanarySights& one : all) {
    out.String(one.vendor);
    out.Varint(one.epoch);
    out.Varint(one.seen);
    out.SignedVarint(one.last_ms);
    out.String(one.told_by);
    out.Byte(static_cast<uint8_t>(one.first_via));
    for (const uint64_t count : one.unrecorded) out.Varint(count);
    out.Byte(one.to_open ? 1 : 0);
    out.String(one.incident);
  }
  return bytes;
}

Result<std::vector<CanarySights>> DecodeCanarySights(std::string_view bytes) {
  ByteReader in(bytes);
  std::vector<CanarySights> all;
  bool good = true;
  for (size_t left = in.Count(); left > 0 && in.ok(); --left) {
    CanarySights& one = all.emplace_back();
    one.vendor = in.String();
    one.epoch = static_cast<uint32_t>(in.Varint());
    one.seen = in.Varint();
    one.last_ms = in.SignedVarint();
    one.told_by = in.String();
    one.first_via = static_cast<CanaryVia>(in.Byte());
    for (uint64_t& count : one.unrecorded) count = in.Varint();
    one.to_open = in.Byte() != 0;
    one.incident = in.String();
    good = good && static_cast<size_t>(one.first_via) < kCanaryVias;
  }
  return good && in.ok() && in.AtEnd() && EncodeCanarySights(all) == bytes
             ? Result<std::vector<CanarySights>>(std::move(all))
             : Error{ErrorCode::kInvalid, "not what canaries' sights have come to"};
}

Result<CanarySightsFile> CanarySightsFile::Open(FileSystem& fs, const std::string& dir,
                                                const KeyRing& keys) {
  CanarySightsFile opened(fs, dir + "/canary_sights", keys);
  if (!fs.Exists(opened.path_)) {
    return opened;
  }
  const Result<std::string> bytes = fs.ReadWhole(opened.path_);
  if (!bytes) {
    return bytes.error();
  }
  const Result<SealedFile> file = DecryptFile(keys, kKind, *bytes);
  if (!file) {
    return file.error().code == ErrorCode::kDenied
               ? Error{ErrorCode::kUnavailable,
                       opened.path_ + " lies under a vendor key that was retired"}
               : Error{file.error().code, opened.path_ + ": " + file.error().message};
  }
  Result<std::vector<CanarySights>> all = DecodeCanarySights(file->body);
  if (!all) {
    return Error{ErrorCode::kCorruption, opened.path_ + " is damaged"};
  }
  opened.opened_ = *std::move(all);
  if (file->ring_key != keys.newest().id) {
    if (Result<void> written = opened.Write(opened.opened_); !written) {
      return written.error();
    }
  }
  return opened;
}

Result<void> CanarySightsFile::Write(const std::vector<CanarySights>& all) const {
  return fs_->WriteFileAtomically(path_, EncryptFile(*keys_, kKind, {}, EncodeCanarySights(all)));
}

}  // namespace bulkhead
