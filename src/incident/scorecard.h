// How a vendor disclosed an incident: how quickly, how transparently, how accountably, and what it
// changed. Numbers with their arithmetic, so that the vendor can check them; no grade over all of
// them, since what outweighs what is the reader's to say. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "incident/disclosure_record.h"

namespace bulkhead {

struct ScoreLine {
  std::string what;
  std::string arithmetic;
  std::vector<std::string> sources;
};

// 0 to 100, or nothing where nothing can be said.
//   quickly: 100 x promised / taken, from the vendor's awareness to our being told; 100 where the
//            promise was kept; nothing without a promise or a time
//   others:  100 x yes / (yes + no); what was not answered is counted apart, and is no "no"
struct Score {
  std::string name;
  std::optional<int> points;
  std::string arithmetic;
  std::vector<ScoreLine> lines;
};

struct Scorecard {
  std::string vendor;
  size_t versions = 0;               // of the record that it is made from
  std::vector<Score> scores;         // quickly, transparent, accountable, changed
  std::vector<ScoreLine> corrected;  // what a later version changed, and from what
};

Scorecard MakeScorecard(const DisclosureRecord& record);
std::string RenderScorecard(const Scorecard& scorecard);

}  // namespace bulkhead
