// Arbitrary bytes as a store's files: nothing crashes, and what opens can be read or says that it
// is damaged. The first byte says what the rest is: raw files; what lies inside an encrypted one,
// since the fuzzer cannot find tags; or the content of a single block.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_codec.h"
#include "base/crc32c.h"
#include "base/faulty_file_system.h"
#include "crypto/block_file.h"
#include "crypto/sealed_file.h"
#include "store/block_codec.h"
#include "store/manifest.h"
#include "store/people_file.h"
#include "store/segment.h"
#include "store/store.h"
#include "store/test_keys.h"

namespace {

using namespace bulkhead;  // NOLINT

constexpr std::string_view kManifestMagic{"BHMAN\0\0\2", 8};
constexpr std::string_view kPeopleMagic{"BHPEO\0\0\2", 8};

SecretBytes Key() { return SecretBytes(std::string(kKeyBytes, 'f')); }

void ReadSegment(const std::string& bytes, const SecretBytes& key) {
  FaultyFileSystem fs;
  Check(fs.CreateDirs("/s").has_value() && fs.WriteFileAtomically("/s/x", bytes).has_value(),
        "put");
  const auto segment = Segment::Open(fs, {"/s/x", 1, SecretBytes(key.view())},
                                     std::make_shared<ColumnCache>(1 << 20));
  // A few bytes may claim a thousand million rows.
  if (!segment || (*segment)->info().rows > 1'000'000) return;
  (void)(*segment)->Persons();
  (void)(*segment)->Times();
  (void)(*segment)->RanksOf();
  (void)(*segment)->LoadFingerprints();
  for (size_t column = 0; column < (*segment)->columns(); ++column) {
    (void)(*segment)->DictionaryOf(column);
    (void)(*segment)->CodesOf(column);
  }
}

// One block that is the input, and a footer that is the rest of it.
void ReadSealedSegment(std::string_view input) {
  const size_t split = input.empty() ? 0 : std::min<size_t>(input.size(), uint8_t(input[0]) + 1U);
  const BlockFile cipher(kSegmentHead, BlockAlgorithm::kAes256Gcm, Key());
  std::string file = cipher.head();
  cipher.Encrypt(file.size(), input.substr(0, split), 0, &file);
  const std::string_view footer = input.substr(split);
  const uint64_t footer_bytes = footer.size() + kBlockTagBytes;
  cipher.Encrypt(file.size(), footer, file.size() + footer_bytes + kSegmentTrailerBytes, &file);
  ByteWriter(&file).Fixed(static_cast<uint32_t>(footer_bytes));
  file += kSegmentTail;
  ReadSegment(file, Key());
}

void ReadPlainSegment(std::string_view input) {
  std::string file(kPlainSegmentHead);
  file += input;
  ByteWriter writer(&file);
  writer.Fixed(static_cast<uint32_t>(input.size()));
  writer.Fixed(Crc32c(input));
  writer.Raw(kSegmentTail);
  ReadSegment(file, SecretBytes());
}

void ReadSealedPeople(std::string_view input) {
  const BlockFile cipher(kPeopleMagic, BlockAlgorithm::kAes256Gcm, Key());
  std::string body;
  EncodeBytes(input, 1, &body);
  std::string file = cipher.head();
  ByteWriter(&file).Fixed(static_cast<uint32_t>(body.size() + kBlockTagBytes));
  cipher.Encrypt(file.size(), body, file.size() + body.size() + kBlockTagBytes, &file);
  IdentityLinks links;
  Profiles profiles;
  (void)ReadPeople(file, Key(), &links, &profiles);
}

// What is accepted is the same after writing and reading it once more.
void ReadManifest(const std::string& bytes) {
  const auto manifest = DecodeManifest(bytes, TestStoreKeys(), "1");
  if (!manifest) return;
  const auto again =
      DecodeManifest(EncodeManifest(*manifest, TestStoreKeys(), "1"), TestStoreKeys(), "1");
  Check(again.has_value() && again->segments.size() == manifest->segments.size() &&
            again->next_file == manifest->next_file && again->position == manifest->position,
        "a manifest is what it was");
}

void OpenStore(std::string_view manifest) {
  FaultyFileSystem fs;
  Check(fs.CreateDirs("/s").has_value(), "a directory in memory");
  Check(fs.WriteFileAtomically("/s/MANIFEST", manifest).has_value(), "a file in memory");
  StoreOptions options;
  options.fs = &fs;
  options.dir = "/s";
  options.keys = &TestStoreKeys();
  options.owner = "1";
  options.background = false;
  (void)Store::Open(options);
}

void DecodeBlock(std::string_view input) {
  std::vector<uint32_t> codes(300);
  (void)DecodeCodes(input, {}, 200, codes);
  std::vector<uint64_t> times(300);
  (void)DecodeTimes(input, true, times);
  (void)DecodeTimes(input, false, times);
  std::string bytes;
  (void)DecodeBytes(input, 1 << 20, &bytes);
  (void)DictionaryFormat::Decode(input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  InitCrypto();
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  IdentityLinks links;
  Profiles profiles;
  switch (data[0] % 8) {
    case 0:
      ReadSegment(std::string(input), SecretBytes());
      ReadSegment(std::string(input), Key());
      ReadManifest(std::string(input));
      (void)ReadPeople(input, SecretBytes(), &links, &profiles);
      break;
    case 1:
      ReadSealedSegment(input);
      break;
    case 2:
      ReadPlainSegment(input);
      break;
    case 3:
      ReadSealedPeople(input);
      break;
    case 4:
    case 5: {
      // 32 bytes for each key that the first byte asks for.
      const size_t keys = input.empty() ? 0 : uint8_t(input[0]) % 4;
      const std::string manifest =
          EncryptFile(TestStoreKeys(), {kManifestMagic, "1"},
                      SecretBytes(std::string(keys * kKeyBytes, 'k')), input.substr(keys > 0));
      ReadManifest(manifest);
      OpenStore(manifest);
      break;
    }
    case 6:
      OpenStore(input);
      break;
    default:
      DecodeBlock(input);
  }
  return 0;
}
