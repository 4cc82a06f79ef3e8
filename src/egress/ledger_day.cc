#include "egress/ledger_day.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "egress/ledger_files.h"
#include "egress/ledger_format.h"

namespace bulkhead {
namespace {

constexpr uint32_t kBlockEntries = 4096;
constexpr size_t kTrailerBytes = 4;  // size of the footer with its tag

// A part is one number: the set, whether another part follows, and the count up to 3; a larger one
// follows as what it has more than kLongCount.
constexpr uint64_t kCountMask = 3;
constexpr uint64_t kLongCount = 4;
constexpr uint64_t kMoreParts = 4;
constexpr int kSetShift = 3;

Error Malformed() { return {ErrorCode::kCorruption, "malformed"}; }

}  // namespace

// --- Writing ---

DayBuilder::DayBuilder(int32_t day, std::vector<SentFields> sets)
    : day_(day),
      sets_(std::move(sets)),
      cipher_(kLedgerDayHead),
      file_(cipher_.head()),
      sends_(sets_.size()),
      nobody_(sets_.size()) {}

void DayBuilder::Add(uint32_t ordinal, std::span<const DayPart> parts) {
  Check(ordinal >= next_ordinal_ && !parts.empty(), "a day's subjects ascend");
  ByteWriter out(&block_);
  out.Varint(ordinal - next_ordinal_);
  for (size_t i = 0; i < parts.size(); ++i) {
    const DayPart& part = parts[i];
    const uint64_t more = i + 1 < parts.size() ? kMoreParts : 0;
    const uint64_t shown = std::min(part.count, kLongCount) - 1;
    out.Varint(uint64_t{part.set} << kSetShift | more | shown);
    if (part.count >= kLongCount) out.Varint(part.count - kLongCount);
    sends_[part.set] += part.count;
  }
  next_ordinal_ = uint64_t{ordinal} + 1;
  ++subjects_;
  if (++block_entries_ == kBlockEntries) EndBlock();
}

void DayBuilder::AddNobody(uint32_t set, uint64_t count) {
  sends_[set] += count;
  nobody_[set] += count;
}

void DayBuilder::EndBlock() {
  const size_t at = file_.size();
  cipher_.Encrypt(at, block_, 0, &file_);
  ByteWriter index(&index_);
  index.Varint(block_entries_);
  index.Varint(file_.size() - at);
  ++blocks_;
  block_.clear();
  block_entries_ = 0;
}

std::string DayBuilder::Finish() {
  if (block_entries_ > 0) EndBlock();
  std::string footer;
  ByteWriter out(&footer);
  out.Varint(static_cast<uint32_t>(day_));
  PutFieldSets(sets_, &out);
  for (size_t set = 0; set < sets_.size(); ++set) {
    out.Varint(sends_[set]);
    out.Varint(nobody_[set]);
  }
  out.Varint(blocks_);
  out.Raw(index_);
  const uint64_t footer_bytes = footer.size() + kBlockTagBytes;
  cipher_.Encrypt(file_.size(), footer, file_.size() + footer_bytes + kTrailerBytes, &file_);
  ByteWriter(&file_).Fixed(static_cast<uint32_t>(footer_bytes));
  return std::move(file_);
}

uint64_t DayBuilder::sends() const {
  uint64_t all = 0;
  for (const uint64_t sends : sends_) all += sends;
  return all;
}

// --- Reading ---

Result<DayFile> DayFile::Open(FileSystem& fs, const std::string& dir, const LedgerDayFile& file) {
  Result<std::unique_ptr<MappedFile>> map =
      MapLedgerFile(fs, dir, LedgerFileKind::kDay, *file.file);
  if (!map) return map.error();
  std::string name = LedgerFileName(LedgerFileKind::kDay, file.file->number);
  Result<BlockFile> cipher = BlockFile::OfHead(kLedgerDayHead, (*map)->bytes(), file.file->key);
  if (!cipher) return NameLedgerFile(name, cipher.error());
  DayFile day(std::move(name), std::move(*map), *std::move(cipher));
  if (Result<void> read = day.ReadFooter(file); !read) {
    return NameLedgerFile(day.name_, read.error());
  }
  return day;
}

Result<void> DayFile::ReadFooter(const LedgerDayFile& file) {
  const std::string_view bytes = map_->bytes();
  if (bytes.size() < kBlockFileHeadBytes + kBlockTagBytes + kTrailerBytes) return Malformed();
  const size_t end = bytes.size() - kTrailerBytes;
  const auto footer_bytes = ByteReader(bytes.substr(end)).Fixed<uint32_t>();
  if (footer_bytes < kBlockTagBytes || footer_bytes > end - kBlockFileHeadBytes) {
    return Malformed();
  }
  const size_t footer_at = end - footer_bytes;
  std::string footer(footer_bytes - kBlockTagBytes, '\0');
  Result<void> read =
      cipher_.Decrypt(footer_at, bytes.substr(footer_at, footer_bytes), bytes.size(),
                      {reinterpret_cast<uint8_t*>(footer.data()), footer.size()});
  if (!read) return read;
  return DecodeFooter(footer, file, footer_at) ? Result<void>() : Malformed();
}

bool DayFile::DecodeFooter(std::string_view footer, const LedgerDayFile& file, uint64_t footer_at) {
  ByteReader in(footer);
  const uint64_t day = in.Varint();
  std::vector<SentFields> sets;
  if (day != static_cast<uint64_t>(file.day) || !ReadFieldSets(&in, &sets)) return false;
  day_ = file.day;
  uint64_t sends = 0;
  for (SentFields& fields : sets) {
    DaySet& set = sets_.emplace_back();
    set.fields = std::move(fields);
    set.sends = in.Varint();
    set.nobody = in.Varint();
    if (set.nobody > set.sends || set.sends > file.sends - sends) return false;
    sends += set.sends;
  }
  uint64_t at = kBlockFileHeadBytes;
  uint64_t subjects = 0;
  const size_t blocks = in.Count();
  for (size_t i = 0; i < blocks; ++i) {
    const uint64_t entries = in.Varint();
    const uint64_t size = in.Varint();
    if (entries == 0 || entries > kBlockEntries || size < kBlockTagBytes || size > footer_at - at) {
      return false;
    }
    blocks_.push_back({static_cast<uint32_t>(entries), size});
    at += size;
    subjects += entries;
  }
  return in.ok() && in.AtEnd() && at == footer_at && sends == file.sends &&
         subjects == file.subjects;
}

DayCursor::DayCursor(const DayFile* file, uint32_t ordinals)
    : file_(file), ordinals_(ordinals), seen_(file->sets_.size()) {
  Next();
}

void DayCursor::EndWith(Error error) {
  error_ = NameLedgerFile(file_->name_, error);
  at_end_ = true;
}

void DayCursor::OpenBlock() {
  const DayFile::Block& block = file_->blocks_[block_++];
  const std::string_view box = file_->map_->bytes().substr(block_at_, block.bytes);
  bytes_.resize(block.bytes - kBlockTagBytes);
  const Result<void> read = file_->cipher_.Decrypt(
      block_at_, box, 0, {reinterpret_cast<uint8_t*>(bytes_.data()), bytes_.size()});
  if (!read) {
    EndWith({read.error().code, fmt::format("byte {}: {}", block_at_, read.error().message)});
    return;
  }
  in_ = ByteReader(bytes_);
  left_ = block.entries;
  block_at_ += block.bytes;
}

bool DayCursor::ReadEntry() {
  const uint64_t gap = in_.Varint();
  if (gap >= ordinals_ - next_ordinal_) return false;
  next_ordinal_ += gap + 1;
  parts_.clear();
  for (bool more = true; more;) {
    const uint64_t value = in_.Varint();
    const uint64_t set = value >> kSetShift;
    uint64_t count = (value & kCountMask) + 1;
    if (count == kLongCount) count += in_.Varint();
    more = (value & kMoreParts) != 0;
    if (!in_.ok() || set >= seen_.size() || count == 0 ||
        (!parts_.empty() && parts_.back().set >= set)) {
      return false;
    }
    parts_.push_back({static_cast<uint32_t>(set), count});
    seen_[set] += count;
  }
  return true;
}

// The footer's numbers are what answers are made of: they must be those of the entries.
void DayCursor::CheckTotals() {
  for (size_t set = 0; set < seen_.size(); ++set) {
    const DaySet& said = file_->sets_[set];
    if (seen_[set] != said.sends - said.nobody) return EndWith(Malformed());
  }
}

void DayCursor::Next() {
  if (left_ == 0) {
    if (!in_.AtEnd()) return EndWith(Malformed());
    if (block_ == file_->blocks_.size()) {
      at_end_ = true;
      return CheckTotals();
    }
    OpenBlock();
    if (at_end_) return;
  }
  --left_;
  if (!ReadEntry()) EndWith(Malformed());
}

Result<void> DayCursor::status() const { return error_ ? Result<void>(*error_) : Result<void>(); }

}  // namespace bulkhead
