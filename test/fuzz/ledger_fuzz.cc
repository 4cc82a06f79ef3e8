// Arbitrary bytes as the ledger's files: nothing crashes, and what opens answers or says that it is
// damaged. The first byte says what the rest is: raw files; what lies inside an encrypted one,
// since the fuzzer cannot find tags; or a batch.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_codec.h"
#include "base/faulty_file_system.h"
#include "crypto/block_file.h"
#include "crypto/sealed_file.h"
#include "egress/ledger.h"
#include "egress/ledger_day.h"
#include "egress/ledger_format.h"
#include "egress/ledger_journal.h"
#include "egress/ledger_manifest.h"
#include "egress/naive_ledger.h"

namespace {

using namespace bulkhead;  // NOLINT

constexpr int32_t kDay = 20'000;

SecretBytes Key() { return SecretBytes(std::string(kKeyBytes, 'f')); }

void Put(FileSystem* fs, const std::string& name, std::string_view bytes) {
  Check(fs->CreateDirs("/l").has_value() && fs->WriteFileAtomically("/l/" + name, bytes),
        "a file in memory");
}

LedgerFileRef FileOf(uint64_t number, std::string_view bytes) {
  auto file = std::make_shared<LedgerFile>();
  file->number = number;
  file->bytes = bytes.size();
  file->sha256 = Sha256(bytes);
  file->key = Key();
  return file;
}

void ReadDay(const std::string& bytes, LedgerDayFile file) {
  FaultyFileSystem fs;
  file.file = FileOf(1, bytes);
  file.day = kDay;
  Put(&fs, LedgerFileName(LedgerFileKind::kDay, 1), bytes);
  const Result<DayFile> day = DayFile::Open(fs, "/l", file);
  if (!day) return;
  DayCursor cursor(&*day, 1'000'000);
  uint64_t subjects = 0;
  uint64_t sends = 0;
  for (; !cursor.AtEnd(); cursor.Next()) {
    ++subjects;
    for (const DayPart& part : cursor.parts()) sends += part.count;
  }
  for (const DaySet& set : day->sets()) sends += set.nobody;
  Check(!cursor.status() || (subjects == file.subjects && sends == file.sends),
        "a day holds what it says");
}

// One block that is the input, and a footer that is the rest of it, with what it is to add up to.
void ReadSealedDay(std::string_view input) {
  if (input.size() < 3) return;
  const auto split = std::min<size_t>(input.size() - 3, static_cast<uint8_t>(input[0]));
  LedgerDayFile file;
  file.sends = static_cast<uint8_t>(input[1]);
  file.subjects = static_cast<uint8_t>(input[2]);
  input.remove_prefix(3);
  const BlockFile cipher(kLedgerDayHead, BlockAlgorithm::kAes256Gcm, Key());
  std::string bytes = cipher.head();
  cipher.Encrypt(bytes.size(), input.substr(0, split), 0, &bytes);
  const std::string_view footer = input.substr(split);
  const uint64_t footer_bytes = footer.size() + kBlockTagBytes;
  cipher.Encrypt(bytes.size(), footer, bytes.size() + footer_bytes + 4, &bytes);
  ByteWriter(&bytes).Fixed(static_cast<uint32_t>(footer_bytes));
  ReadDay(bytes, file);
}

// What is accepted is the same after writing and reading it once more.
void ReadManifest(std::string_view bytes) {
  const auto manifest = DecodeLedgerManifest(bytes, LedgerTestKeys());
  if (!manifest) return;
  const auto again =
      DecodeLedgerManifest(EncodeLedgerManifest(*manifest, LedgerTestKeys()), LedgerTestKeys());
  Check(again.has_value() && LedgerFileNames(*again) == LedgerFileNames(*manifest) &&
            again->next_file == manifest->next_file,
        "a manifest is what it was");
}

void OpenLedger(std::string_view manifest, std::string_view journal) {
  FaultyFileSystem fs;
  Put(&fs, std::string(kLedgerManifestName), manifest);
  Put(&fs, LedgerFileName(LedgerFileKind::kJournal, 1), journal);
  const auto ledger = Ledger::Open(fs, "/l", LedgerTestKeys(), {});
  if (!ledger) return;
  for (const auto& [vendor, epoch] : (*ledger)->Epochs()) {
    (void)(*ledger)->Ask({vendor, epoch, 0, INT32_MAX});
    (void)(*ledger)->Statement(vendor);
  }
  (void)(*ledger)->Fold();
}

std::string SealManifest(std::string_view body, size_t keys) {
  return EncryptFile(LedgerTestKeys(), {kLedgerManifestHead, "ledger"},
                     SecretBytes(std::string(keys * kKeyBytes, 'f')), body);
}

// A journal of whole records, whatever is in them, or of the raw input.
void OpenJournal(std::string_view input, bool raw) {
  LedgerManifest manifest;
  manifest.next_file = 2;
  manifest.journals.push_back({1, std::make_shared<SecretBytes>(Key().view()), std::nullopt});
  const BlockFile cipher(kLedgerJournalHead, BlockAlgorithm::kAes256Gcm, Key());
  std::string bytes = cipher.head();
  while (!raw && !input.empty()) {
    const auto size = std::min<size_t>(input.size() - 1, static_cast<uint8_t>(input[0]));
    AppendJournalRecord(cipher, bytes.size(), input.substr(1, size), &bytes);
    input.remove_prefix(size + 1);
  }
  OpenLedger(EncodeLedgerManifest(manifest, LedgerTestKeys()), bytes.append(input));
}

void ReadBatch(std::string_view bytes) {
  const Result<LedgerBatch> batch = DecodeLedgerBatch(bytes);
  if (!batch) return;
  Check(CheckLedgerBatch(*batch).has_value(), "what is read may be recorded");
  const Result<LedgerBatch> again = DecodeLedgerBatch(EncodeLedgerBatch(*batch));
  Check(again.has_value() && again->sends.size() == batch->sends.size() &&
            again->field_sets == batch->field_sets,
        "a batch is what it was");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  InitCrypto();
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      ReadManifest(input);
      ReadDay(std::string(input), {});
      OpenLedger(input, input);
      break;
    case 1:
      ReadSealedDay(input);
      break;
    case 2:
    case 3: {
      // 32 bytes for each key that the first byte asks for.
      const size_t keys = input.empty() ? 0 : static_cast<uint8_t>(input[0]) % 4;
      const std::string manifest = SealManifest(input.substr(input.empty() ? 0 : 1), keys);
      ReadManifest(manifest);
      OpenLedger(manifest, input);
      break;
    }
    case 4:
      ReadBatch(input);
      break;
    default:
      OpenJournal(input, data[0] >= 128);
  }
  return 0;
}
