#include "egress/shared_subjects.h"

#include <algorithm>
#include <optional>

namespace bulkhead {
namespace {

struct Receiver {
  SubjectId subject;
  uint32_t vendor = 0;  // its place in the list

  friend auto operator<=>(const Receiver&, const Receiver&) = default;
};

uint64_t PassOf(const SubjectId& subject, uint64_t passes) {
  return (subject.Prefix() >> 32) * passes >> 32;
}

Result<uint64_t> CountEntries(const Ledger& ledger, const std::vector<std::string>& vendors) {
  uint64_t entries = 0;
  for (const std::string& vendor : vendors) {
    const Result<void> scanned = ledger.ScanSubjects(
        vendor, std::nullopt,
        [&entries](std::span<const SubjectId> block) { entries += block.size(); });
    if (!scanned) {
      return scanned.error();
    }
  }
  return entries;
}

// Each subject of the pass once for each vendor that it was sent to.
Result<std::vector<Receiver>> ReceiversIn(const Ledger& ledger,
                                          const std::vector<std::string>& vendors, uint64_t pass,
                                          uint64_t passes) {
  std::vector<Receiver> receivers;
  for (uint32_t place = 0; place < vendors.size(); ++place) {
    const Result<void> scanned =
        ledger.ScanSubjects(vendors[place], std::nullopt, [&](std::span<const SubjectId> block) {
          for (const SubjectId& subject : block) {
            if (!subject.IsNobody() && PassOf(subject, passes) == pass) {
              receivers.push_back({subject, place});
            }
          }
        });
    if (!scanned) {
      return scanned.error();
    }
  }
  std::ranges::sort(receivers);
  receivers.erase(std::unique(receivers.begin(), receivers.end()), receivers.end());
  return receivers;
}

void CountPairs(const std::vector<std::string>& vendors, std::span<const Receiver> of_one_subject,
                SharedCounts* counts) {
  for (size_t i = 0; i < of_one_subject.size(); ++i) {
    for (size_t j = i + 1; j < of_one_subject.size(); ++j) {
      const std::string& one = vendors[of_one_subject[i].vendor];
      const std::string& other = vendors[of_one_subject[j].vendor];
      ++(*counts)[std::minmax(one, other)];
    }
  }
}

}  // namespace

Result<std::vector<SubjectId>> SubjectsSentTo(const Ledger& ledger,
                                              std::span<const std::string> vendors,
                                              std::span<const SubjectId> sorted) {
  std::vector<bool> sent(sorted.size());
  for (const std::string& vendor : vendors) {
    const Result<void> scanned =
        ledger.ScanSubjects(vendor, std::nullopt, [&](std::span<const SubjectId> block) {
          for (const SubjectId& subject : block) {
            const auto at = std::ranges::lower_bound(sorted, subject);
            if (at != sorted.end() && *at == subject) {
              sent[static_cast<size_t>(at - sorted.begin())] = true;
            }
          }
        });
    if (!scanned) {
      return scanned.error();
    }
  }
  std::vector<SubjectId> found;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (sent[i]) {
      found.push_back(sorted[i]);
    }
  }
  return found;
}

Result<SharedCounts> CountSharedSubjects(const Ledger& ledger,
                                         const std::vector<std::string>& vendors,
                                         size_t most_bytes) {
  const Result<uint64_t> entries = CountEntries(ledger, vendors);
  if (!entries) {
    return entries.error();
  }
  const uint64_t passes = *entries * sizeof(Receiver) / most_bytes + 1;
  SharedCounts counts;
  for (uint64_t pass = 0; pass < passes; ++pass) {
    const Result<std::vector<Receiver>> receivers = ReceiversIn(ledger, vendors, pass, passes);
    if (!receivers) {
      return receivers.error();
    }
    const std::span<const Receiver> all(*receivers);
    for (size_t begin = 0; begin < all.size();) {
      size_t end = begin + 1;
      while (end < all.size() && all[end].subject == all[begin].subject) ++end;
      CountPairs(vendors, all.subspan(begin, end - begin), &counts);
      begin = end;
    }
  }
  return counts;
}

}  // namespace bulkhead
