// Whose records are in a leaked file, and whom it was leaked from. Every vendor knows a person by
// an id of its own, and by another in each epoch; no map of them is kept, so all are computed anew
// and looked for in the file. What matches is genuine; what does not may be invented, or from
// elsewhere. A match says which set an id is from, not who took it: the vendor's copy, our own
// messages to it and whoever reads them there have the same ids.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/ids.h"

namespace bulkhead {

struct DumpSource {
  std::string vendor;
  uint32_t epoch = 0;
  friend auto operator<=>(const DumpSource&, const DumpSource&) = default;
};

// A made-up person that only this vendor was sent, in this epoch.
struct DumpCanary {
  std::string name;
  DumpSource source;
  SubjectId vendor_id;
  std::string address = {};  // in lower case; empty: it has none
};

struct SourceMatches {
  DumpSource source;
  uint64_t known_ids = 0;             // that were looked for, canaries too
  uint64_t known_canaries = 0;        // of these
  uint64_t matched_ids = 0;           // distinct, canaries too
  uint64_t records = 0;               // of the file, with at least one of them or of the addresses
  std::vector<SubjectId> subjects;    // our pseudonyms, in order; without canaries
  std::vector<std::string> canaries;  // by id, address or both; each once
  uint64_t by_address_alone = 0;      // of these canaries
  // The probability that so many ids or more match by chance is at most 2 to this power; see
  // ChanceBound. It does not speak of addresses: their domain and names can be guessed.
  double log2_chance = 0;

  // Distinct subjects, without canaries.
  [[nodiscard]] uint64_t MatchedSubjects() const {
    return matched_ids - (canaries.size() - by_address_alone);
  }
  // What speaks for this source.
  [[nodiscard]] uint64_t Matches() const { return matched_ids + by_address_alone; }
};

struct DumpReport {
  uint64_t bytes = 0;
  uint64_t records = 0;          // without a CSV's line of names
  uint64_t genuine_records = 0;  // with an id of any source, or a canary's address
  uint64_t ids = 0;          // in the file, of the form of an id; each time that one stands there
  uint64_t cut_records = 0;  // too long to be told apart from the next
  std::vector<SourceMatches> sources;  // most matches first; those without any, too
  // sources.front(), where it has a match and no other has as many.
  std::optional<DumpSource> attributed;

  [[nodiscard]] double GenuineShare() const {
    return records == 0 ? 0 : static_cast<double>(genuine_records) / static_cast<double>(records);
  }
};

// With `ids` in the file, `known` ids of a source and `sources` tried, an upper bound of the
// probability (as power of 2, at most 0) that `matches` or more equal by chance, for whoever does
// not have the key: each pair of ids is equal with 2^-128, there are (ids x known)^matches ways to
// choose the pairs, and each source is one more try.
struct ChanceTerms {
  uint64_t ids = 0, known = 0, sources = 0, matches = 0;
};
double ChanceBound(const ChanceTerms& terms);

class DumpMatcher {
 public:
  // An id that is known without its key.
  struct KnownId {
    uint32_t source = 0;  // place in `sources`
    SubjectId vendor_id;
    SubjectId subject;  // nobody: not told, and then in no list of subjects
  };
  struct Parts {
    std::span<const SubjectId> subjects;  // all that are known
    std::vector<DumpSource> sources;      // that are looked for
    std::span<const KnownId> known;       // beside the ids of `subjects` at all sources
    std::function<SubjectId(const DumpSource&, const SubjectId&)> vendor_id;
    // Of these sources or others. Addresses are looked for as well, where ids were taken out: one
    // that canaries of several sources have speaks for each of them.
    std::vector<DumpCanary> canaries;
    uint64_t max_ids = 32'000'000;  // subjects times sources: at most 64 bytes each
  };
  // kLimit: more ids than max_ids. `parts` need not outlive it.
  static Result<std::unique_ptr<DumpMatcher>> Create(const Parts& parts);
  virtual ~DumpMatcher() = default;

  // The file, in pieces of any size. Memory does not grow with it.
  virtual void Feed(std::string_view bytes) = 0;
  virtual DumpReport Finish() = 0;  // once, at the end

 protected:
  DumpMatcher() = default;
};

}  // namespace bulkhead
