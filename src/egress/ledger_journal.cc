#include "egress/ledger_journal.h"

#include <fmt/format.h>

#include <utility>

#include "base/byte_codec.h"
#include "base/crc32c.h"
#include "egress/ledger_format.h"

namespace bulkhead {
namespace {

constexpr size_t kFrameBytes = 8;  // size of the payload, checksum of place and size

// Bound to the place, so that a frame is known for one wherever it stands.
uint32_t FrameChecksum(uint64_t offset, uint32_t size) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Fixed(offset);
  out.Fixed(size);
  return Crc32c(bytes);
}

// The record at `offset`, or nothing where no whole one stands there.
std::optional<std::string> RecordAt(std::string_view file, const BlockFile& cipher,
                                    uint64_t offset) {
  ByteReader in(file.substr(offset));
  const auto size = in.Fixed<uint32_t>();
  const auto checksum = in.Fixed<uint32_t>();
  if (!in.ok() || size > kMaxLedgerBatchBytes || checksum != FrameChecksum(offset, size)) {
    return std::nullopt;
  }
  const std::string_view box = in.Raw(size + kBlockTagBytes);
  std::string payload(size, '\0');
  if (!in.ok() || !cipher.Decrypt(offset + kFrameBytes, box, 0,
                                  {reinterpret_cast<uint8_t*>(payload.data()), size})) {
    return std::nullopt;
  }
  return payload;
}

bool WholeRecordBehind(std::string_view file, const BlockFile& cipher, uint64_t offset) {
  for (uint64_t at = offset + 1; at + kFrameBytes + kBlockTagBytes <= file.size(); ++at) {
    if (RecordAt(file, cipher, at)) return true;
  }
  return false;
}

Error DamagedAt(uint64_t offset, std::string_view what) {
  return {ErrorCode::kCorruption, fmt::format("byte {}: {}", offset, what)};
}

}  // namespace

void AppendJournalRecord(const BlockFile& cipher, uint64_t offset, std::string_view payload,
                         std::string* out) {
  ByteWriter writer(out);
  const auto size = static_cast<uint32_t>(payload.size());
  writer.Fixed(size);
  writer.Fixed(FrameChecksum(offset, size));
  cipher.Encrypt(offset + kFrameBytes, payload, 0, out);
}

LedgerJournal::LedgerJournal(uint64_t number, BlockFile cipher)
    : number_(number), cipher_(std::move(cipher)) {}

Result<std::unique_ptr<LedgerJournal>> LedgerJournal::Begin(FileSystem& fs, const std::string& dir,
                                                            uint64_t number) {
  std::unique_ptr<LedgerJournal> journal(new LedgerJournal(number, BlockFile(kLedgerJournalHead)));
  Result<std::unique_ptr<AppendFile>> file =
      fs.OpenAppend(dir + "/" + LedgerFileName(LedgerFileKind::kJournal, number));
  if (!file) return file.error();
  journal->file_ = std::move(*file);
  Result<void> done = journal->file_->Append(journal->cipher_.head());
  if (done) done = journal->file_->Sync();
  if (done) done = fs.SyncDir(dir);
  if (!done) return done.error();
  journal->bytes_ = journal->cipher_.head().size();
  return journal;
}

Result<void> LedgerJournal::Put(std::string_view payload) {
  Check(file_ != nullptr, "a journal that failed or was closed takes nothing");
  std::string record;
  AppendJournalRecord(cipher_, bytes_, payload, &record);
  Result<void> done = file_->Append(record);
  if (done) done = file_->Sync();
  if (!done) {
    file_ = nullptr;
    return done;
  }
  bytes_ += record.size();
  return {};
}

Result<void> LedgerJournal::Append(std::string_view payload) {
  Check(!payload.empty() && payload.size() <= kMaxLedgerBatchBytes, "a record has a payload");
  Result<void> done = Put(payload);
  if (done) ++records_;
  return done;
}

void LedgerJournal::Close() {
  if (file_ && records_ > 0) {
    [[maybe_unused]] const Result<void> said = Put({});
  }
  file_ = nullptr;
}

Result<JournalRead> ReadLedgerJournal(std::string_view file, const SecretBytes& key,
                                      std::optional<uint64_t> records,
                                      const EachJournalRecord& each) {
  const Result<BlockFile> cipher = BlockFile::OfHead(kLedgerJournalHead, file, key);
  if (!cipher) return cipher.error();
  JournalRead read;
  uint64_t at = kBlockFileHeadBytes;
  while (at < file.size() && read.records != records) {
    std::optional<std::string> payload = RecordAt(file, *cipher, at);
    if (!payload && (records || WholeRecordBehind(file, *cipher, at))) {
      return DamagedAt(at, "a record that was durable is damaged");
    }
    if (!payload) return read;
    const uint64_t end = at + kFrameBytes + payload->size() + kBlockTagBytes;
    if (payload->empty()) {
      if (records || end != file.size()) return DamagedAt(at, "the journal ends too early");
      return read;
    }
    if (Result<void> taken = each(*payload); !taken) {
      return DamagedAt(at, taken.error().message);
    }
    ++read.records;
    read.last = std::move(*payload);
    at = end;
  }
  if (records && read.records != *records) return DamagedAt(at, "records are missing");
  return read;
}

}  // namespace bulkhead
