#include "access/catalogue_file.h"

#include <fmt/format.h>

#include "base/byte_codec.h"

namespace bulkhead {
namespace {

constexpr std::string_view kMagic = "BULKHCAT";
constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderBytes = 16;

}  // namespace

std::string EncodeCatalogue(const KeyRing& keys, uint64_t generation, std::string_view image) {
  const KeyRing::Entry& key = keys.newest();
  std::string bytes(kMagic);
  ByteWriter writer(&bytes);
  writer.Fixed(kVersion);
  writer.Fixed(key.id);
  std::string opened;
  opened.reserve(sizeof(generation) + image.size());
  ByteWriter(&opened).Fixed(generation);
  opened += image;
  const std::string box = AeadEncrypt(key.key, opened, bytes);
  Wipe(&opened);
  return bytes + box;
}

Result<CatalogueContent> DecodeCatalogue(const KeyRing& keys, std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.Raw(kMagic.size()) != kMagic) {
    return Error{ErrorCode::kCorruption, "not a catalogue"};
  }
  const auto version = reader.Fixed<uint32_t>();
  const auto key_id = reader.Fixed<uint32_t>();
  if (reader.ok() && version > kVersion) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("catalogue of version {}, this program knows {}", version, kVersion)};
  }
  if (!reader.ok() || version != kVersion) {
    return Error{ErrorCode::kCorruption, "the catalogue's header is damaged"};
  }
  const Result<const SecretBytes*> key = keys.Find(key_id);
  if (!key) {
    return Error{key.error().code, "catalogue: " + key.error().message};
  }
  Result<SecretBytes> opened =
      AeadDecrypt(**key, bytes.substr(kHeaderBytes), bytes.substr(0, kHeaderBytes));
  if (!opened || opened->size() < sizeof(uint64_t)) {
    return Error{ErrorCode::kCorruption,
                 "the catalogue does not open: changed, or under another key"};
  }
  CatalogueContent content;
  content.key_id = key_id;
  content.generation = ByteReader(opened->view()).Fixed<uint64_t>();
  content.opened = *std::move(opened);
  return content;
}

}  // namespace bulkhead
