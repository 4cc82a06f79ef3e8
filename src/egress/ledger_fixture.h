// A ledger in memory beside its simplest form, for tests.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/faulty_file_system.h"
#include "egress/ledger.h"
#include "egress/naive_ledger.h"

namespace bulkhead {

inline constexpr const char* kLedgerTestDir = "/data/ledger";

inline Result<std::unique_ptr<Ledger>> TryOpenLedger(FileSystem& fs,
                                                     uint64_t fold_after = 1'000'000'000,
                                                     const KeyRing& keys = LedgerTestKeys()) {
  return Ledger::Open(fs, kLedgerTestDir, keys, {fold_after});
}

inline std::unique_ptr<Ledger> OpenLedger(FileSystem& fs, uint64_t fold_after = 1'000'000'000) {
  Result<std::unique_ptr<Ledger>> ledger = TryOpenLedger(fs, fold_after);
  EXPECT_TRUE(ledger) << ledger.error().message;
  return ledger ? *std::move(ledger) : nullptr;
}

using LedgerFiles = std::map<std::string, std::string>;

inline LedgerFiles ReadLedgerFiles(FileSystem& fs) {
  LedgerFiles files;
  const auto names = fs.List(kLedgerTestDir);
  for (const std::string& name : *names) {
    files[name] = *fs.ReadWhole(std::string(kLedgerTestDir) + "/" + name);
  }
  return files;
}

inline void PutLedgerFiles(FileSystem& fs, const LedgerFiles& files) {
  Check(fs.CreateDirs(kLedgerTestDir).has_value(), "a directory in memory");
  for (const auto& [name, bytes] : files) {
    Check(fs.WriteFileAtomically(std::string(kLedgerTestDir) + "/" + name, bytes).has_value(),
          "a file in memory");
  }
}

inline LedgerWindow AllOf(const std::string& vendor) {
  return {vendor, std::nullopt, 0, INT32_MAX};
}

inline std::map<SubjectId, SentFields> ListSubjects(const Ledger& ledger,
                                                    const LedgerWindow& window) {
  std::map<SubjectId, SentFields> subjects;
  const Result<void> listed =
      ledger.ForEachSubject(window, [&](const SubjectId& subject, const SentFields& fields) {
        EXPECT_TRUE(subjects.empty() || subjects.rbegin()->first < subject) << "not in order";
        subjects[subject] = fields;
        return true;
      });
  EXPECT_TRUE(listed) << listed.error().message;
  return subjects;
}

inline void ExpectSameWindow(const Ledger& ledger, const NaiveLedger& naive,
                             const LedgerWindow& window) {
  const Result<Exposure> exposure = ledger.Ask(window);
  ASSERT_TRUE(exposure) << exposure.error().message;
  EXPECT_EQ(ExposureText(*exposure), ExposureText(naive.Ask(window)));
  std::map<SubjectId, SentFields> expected = naive.Subjects(window);
  expected.erase(SubjectId{});
  EXPECT_EQ(ListSubjects(ledger, window), expected);
}

inline void ExpectSame(const Ledger& ledger, const NaiveLedger& naive) {
  const auto epochs = naive.Epochs();
  EXPECT_EQ(ledger.Epochs(),
            (std::vector<std::pair<std::string, uint32_t>>(epochs.begin(), epochs.end())));
  EXPECT_EQ(ledger.stats().sends, naive.sends());
  for (const char* vendor : {"a-vendor", "b-vendor", "c-vendor", "none"}) {
    EXPECT_EQ(ledger.LastSequence(vendor), naive.LastSequence(vendor));
    EXPECT_EQ(ledger.FirstDay(vendor, 8), naive.FirstDay(vendor, 8));
    ExpectSameWindow(ledger, naive, AllOf(vendor));
  }
}

}  // namespace bulkhead
