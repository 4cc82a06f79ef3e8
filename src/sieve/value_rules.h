// The detectors: what is a secret or personal whatever its property is called.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sieve/sieve.h"

namespace bulkhead {

// What may stand beside a match for it to count; RE2 and Vectorscan have no look-around.
enum class Border : unsigned char { kAny, kLeft, kWord, kNumber };

struct ValueRule {
  const char* id;
  const char* kind;     // the word in the placeholder
  Action action;        // kRedact or kTokenAndSeal
  const char* pattern;  // what both RE2 and Vectorscan understand, bytes, not UTF-8
  int group;            // the capture that is replaced; 0 = the whole match
  Border border;
  bool (*valid)(std::string_view);  // nullptr = the pattern suffices
};

struct Span {
  size_t begin;
  size_t end;
  const ValueRule* rule;
};

class RuleSet {
 public:
  static Result<std::unique_ptr<RuleSet>> Compile();
  ~RuleSet();
  RuleSet(const RuleSet&) = delete;
  RuleSet& operator=(const RuleSet&) = delete;

  // Ordered, not overlapping. `version`: four numbers with dots are a version. Thread-safe.
  [[nodiscard]] std::vector<Span> Scan(std::string_view text, bool version) const;

 private:
  struct Compiled;
  explicit RuleSet(std::unique_ptr<Compiled> compiled);
  void FindSpans(size_t index, std::string_view text, std::vector<Span>* spans) const;
  std::unique_ptr<Compiled> compiled_;
};

// The pattern with its key lists, {secret} and {personal}, written out.
std::string ExpandPattern(const char* pattern);

// The rules of docs/detectors.md: the first come before the second where they touch.
std::span<const ValueRule> GeneralRules();    // value_rule_table.cc
std::span<const ValueRule> VendorKeyRules();  // vendor_key_table.cc

}  // namespace bulkhead
