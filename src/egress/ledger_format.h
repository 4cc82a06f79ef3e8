// The bytes of the ledger that several of its files share: names, sets of fields, and a batch as
// the journal holds it. docs/formats/ledger.md draws them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_codec.h"
#include "base/result.h"
#include "egress/ledger.h"

namespace bulkhead {

// The kinds of files: eight bytes, the last one the version.
inline constexpr std::string_view kLedgerManifestHead{"BHLMA\0\0\1", 8};
inline constexpr std::string_view kLedgerJournalHead{"BHLJO\0\0\1", 8};
inline constexpr std::string_view kLedgerSubjectsHead{"BHLSU\0\0\1", 8};
inline constexpr std::string_view kLedgerDayHead{"BHLDA\0\0\1", 8};

inline constexpr std::string_view kLedgerManifestName = "MANIFEST";
enum class LedgerFileKind : uint8_t { kJournal = 1, kSubjects, kDay };
std::string LedgerFileName(LedgerFileKind kind, uint64_t number);
// Whether the ledger makes files of such a name, the manifest apart.
bool IsLedgerFileName(std::string_view name);

inline constexpr size_t kMaxVendorNameBytes = 255;
inline constexpr int32_t kMaxLedgerDay = 2'932'896;                 // 9999-12-31
inline constexpr uint32_t kMaxLedgerSubjects = UINT32_MAX - 1;      // of one vendor and epoch
inline constexpr size_t kMaxLedgerBatchBytes = 32UL * 1024 * 1024;  // encoded

// Distinct sets of fields, numbered in the order in which they come.
class FieldSetTable {
 public:
  uint32_t Intern(const SentFields& fields);
  [[nodiscard]] const SentFields& at(uint32_t number) const { return *sets_[number]; }
  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(sets_.size()); }

 private:
  std::map<SentFields, uint32_t> numbers_;
  std::vector<const SentFields*> sets_;  // the keys of numbers_
};

// Their distinct fields, then each set as places in that list.
void PutFieldSets(std::span<const SentFields> sets, ByteWriter* out);
// False where the bytes are not what PutFieldSets writes.
bool ReadFieldSets(ByteReader* in, std::vector<SentFields>* sets);

// kInvalid, with what is wrong: no vendor, no such day, fields out of order, a send of no set.
Result<void> CheckLedgerBatch(const LedgerBatch& batch);
std::string EncodeLedgerBatch(const LedgerBatch& batch);
// kCorruption: no batch that CheckLedgerBatch lets through.
Result<LedgerBatch> DecodeLedgerBatch(std::string_view bytes);

}  // namespace bulkhead
