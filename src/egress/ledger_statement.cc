#include "egress/ledger_statement.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "base/hex.h"
#include "crypto/crypto.h"
#include "egress/ledger_files.h"

namespace bulkhead {
namespace {

std::string DayText(int32_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

// "NAME BYTES SHA-256", of the bytes that are there.
Result<std::string> FileText(FileSystem& fs, const std::string& dir, LedgerFileKind kind,
                             const LedgerFile& file) {
  const Result<std::unique_ptr<MappedFile>> map = MapLedgerFile(fs, dir, kind, file);
  if (!map) return map.error();
  const std::string name = LedgerFileName(kind, file.number);
  if (Sha256((*map)->bytes()) != file.sha256) {
    return NameLedgerFile(name, {ErrorCode::kCorruption, "not what was written"});
  }
  return fmt::format("{} {} {}", name, file.bytes, HexEncode(file.sha256));
}

Result<void> AddEpoch(FileSystem& fs, const std::string& dir, const LedgerEpoch& epoch,
                      std::string* text) {
  for (const LedgerSubjectsFile& subjects : epoch.subjects) {
    const Result<std::string> file = FileText(fs, dir, LedgerFileKind::kSubjects, *subjects.file);
    if (!file) return file.error();
    *text += fmt::format("subjects {} {}\n", subjects.subjects, *file);
  }
  for (const LedgerDayFile& day : epoch.days) {
    const Result<std::string> file = FileText(fs, dir, LedgerFileKind::kDay, *day.file);
    if (!file) return file.error();
    *text += fmt::format("day {} {} {} {}\n", DayText(day.day), day.sends, day.subjects, *file);
  }
  return {};
}

}  // namespace

Result<std::string> StatementText(FileSystem& fs, const std::string& dir,
                                  const LedgerStatement& statement) {
  uint64_t sends = 0;
  uint64_t last_sequence = statement.files.last_sequence;
  for (const auto& [number, epoch] : statement.files.epochs) {
    for (const LedgerDayFile& day : epoch.days) sends += day.sends;
  }
  std::map<std::pair<uint32_t, int32_t>, uint64_t> unfolded;
  for (const LedgerBatchRef& batch : statement.unfolded) {
    last_sequence = std::max(last_sequence, batch->sequence);
    sends += batch->sends.size();
    if (!batch->sends.empty()) unfolded[{batch->epoch, batch->day}] += batch->sends.size();
  }
  std::string text = fmt::format("bulkhead ledger 1\nvendor {}\nsequence {}\nsends {}\n",
                                 statement.vendor, last_sequence, sends);
  for (const auto& [number, epoch] : statement.files.epochs) {
    text += fmt::format("epoch {}\n", number);
    if (Result<void> added = AddEpoch(fs, dir, epoch, &text); !added) return added.error();
  }
  for (const auto& [of, count] : unfolded) {
    text += fmt::format("unfolded {} {} {}\n", of.first, DayText(of.second), count);
  }
  return text;
}

}  // namespace bulkhead
