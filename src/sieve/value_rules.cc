#include "sieve/value_rules.h"

#include <hs/hs.h>
#include <re2/re2.h>

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"

namespace bulkhead {
namespace {

constexpr int kMaxRefused = 256;

bool IsAlnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool BorderHolds(const ValueRule& rule, std::string_view text, size_t begin, size_t end) {
  if (rule.border == Border::kAny) return true;
  if (begin > 0 && IsAlnum(text[begin - 1])) return false;
  if (rule.border == Border::kLeft) return true;
  if (end < text.size() && IsAlnum(text[end])) return false;
  if (rule.border == Border::kWord) return true;
  // Numbers inside longer numbers, versions and ids: 1.2.3.4.5, ORD-411-555-0100-2,
  // Chrome/120.0.6099.1.
  if (begin > 0 && (text[begin - 1] == '.' || text[begin - 1] == '-') && begin > 1 &&
      IsAlnum(text[begin - 2]))
    return false;
  if (begin > 1 && text[begin - 1] == '/' && IsAlnum(text[begin - 2])) return false;
  return end + 1 >= text.size() ||
         !((text[end] == '.' || text[end] == '-') && IsDigit(text[end + 1]));
}

// "version 1.2.3.4", "v1.2.3.4": no address.
bool FollowsVersionWord(std::string_view text, size_t begin) {
  std::string before;
  for (const char c : text.substr(begin > 10 ? begin - 10 : 0, std::min<size_t>(begin, 10))) {
    before.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  }
  while (!before.empty() && (before.back() == ' ' || before.back() == ':' || before.back() == '='))
    before.pop_back();
  return before.ends_with("version") || before.ends_with(" v") || before.ends_with("release") ||
         before.ends_with("build");
}

// Per thread and rule set, because a scratch serves one scan at a time.
class Scratch {
 public:
  Scratch() = default;
  ~Scratch() { hs_free_scratch(scratch_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // nullptr where memory is short: the caller then tries every rule.
  hs_scratch_t* For(const hs_database_t* database) {
    if (database != database_) {
      if (hs_alloc_scratch(database, &scratch_) != HS_SUCCESS) return nullptr;
      database_ = database;
    }
    return scratch_;
  }

 private:
  const hs_database_t* database_ = nullptr;
  hs_scratch_t* scratch_ = nullptr;
};

constexpr size_t kMaxRules = 256;
using RuleMask = std::bitset<kMaxRules>;

int OnMatch(unsigned int id, unsigned long long, unsigned long long, unsigned int, void* context) {
  static_cast<RuleMask*>(context)->set(id);
  return 0;
}

// Secrets win over personal data where they touch; otherwise the longer one covers both.
std::vector<Span> Flatten(std::vector<Span> spans) {
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) {
    return a.begin != b.begin ? a.begin < b.begin
           : a.end != b.end   ? a.end > b.end
                              : a.rule < b.rule;
  });
  std::vector<Span> flat;
  for (const Span& span : spans) {
    if (flat.empty() || span.begin >= flat.back().end) {
      flat.push_back(span);
      continue;
    }
    Span& last = flat.back();
    if (last.rule->action != Action::kRedact && span.rule->action == Action::kRedact)
      last.rule = span.rule;
    last.end = std::max(last.end, span.end);
  }
  return flat;
}

}  // namespace

struct RuleSet::Compiled {
  hs_database_t* database = nullptr;
  std::vector<const ValueRule*> rules;
  std::vector<std::unique_ptr<RE2>> exact;
  ~Compiled() { hs_free_database(database); }
};

RuleSet::RuleSet(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
RuleSet::~RuleSet() = default;

Result<std::unique_ptr<RuleSet>> RuleSet::Compile() {
  auto compiled = std::make_unique<Compiled>();
  std::vector<std::string> expanded;
  std::vector<const char*> patterns;
  std::vector<unsigned int> flags;
  std::vector<unsigned int> ids;
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  for (const std::span<const ValueRule> table : {GeneralRules(), VendorKeyRules()}) {
    for (const ValueRule& rule : table) compiled->rules.push_back(&rule);
  }
  Check(compiled->rules.size() <= kMaxRules, "sieve rules fit one mask");
  for (const ValueRule* rule : compiled->rules) {
    ids.push_back(static_cast<unsigned int>(ids.size()));
    flags.push_back(HS_FLAG_SINGLEMATCH | HS_FLAG_PREFILTER);
    expanded.push_back(ExpandPattern(rule->pattern));
    compiled->exact.push_back(std::make_unique<RE2>(expanded.back(), options));
    if (!compiled->exact.back()->ok())
      return Error{ErrorCode::kBug, std::string("sieve rule does not compile: ") + rule->id};
  }
  for (const std::string& pattern : expanded) patterns.push_back(pattern.c_str());
  hs_compile_error_t* error = nullptr;
  const hs_error_t code = hs_compile_multi(patterns.data(), flags.data(), ids.data(),
                                           static_cast<unsigned int>(ids.size()), HS_MODE_BLOCK,
                                           nullptr, &compiled->database, &error);
  if (code != HS_SUCCESS) {
    std::string why = "the sieve's rules do not compile: ";
    if (error != nullptr && error->message != nullptr) why += error->message;
    hs_free_compile_error(error);
    return Error{ErrorCode::kBug, why};
  }
  return std::unique_ptr<RuleSet>(new RuleSet(std::move(compiled)));
}

std::vector<Span> RuleSet::Scan(std::string_view text, bool version) const {
  thread_local Scratch scratch;
  RuleMask mask;
  hs_scratch_t* memory = scratch.For(compiled_->database);
  if (memory == nullptr ||
      hs_scan(compiled_->database, text.data(), static_cast<unsigned int>(text.size()), 0, memory,
              OnMatch, &mask) != HS_SUCCESS) {
    mask.set();
  }
  std::vector<Span> spans;
  if (mask.none()) return spans;
  for (size_t index = 0; index < compiled_->exact.size(); ++index) {
    if (mask.test(index)) FindSpans(index, text, &spans);
  }
  if (version) {
    std::erase_if(spans, [](const Span& span) { return std::strcmp(span.rule->id, "ipv4") == 0; });
  }
  return spans.empty() ? spans : Flatten(std::move(spans));
}

void RuleSet::FindSpans(size_t index, std::string_view text, std::vector<Span>* spans) const {
  const ValueRule& rule = *compiled_->rules[index];
  const RE2& exact = *compiled_->exact[index];
  re2::StringPiece groups[2];
  const re2::StringPiece whole(text.data(), text.size());
  size_t from = 0;
  int refused = 0;
  while (from < text.size() &&
         exact.Match(whole, from, text.size(), RE2::UNANCHORED, groups, rule.group + 1)) {
    const re2::StringPiece& hit = groups[rule.group];
    const auto match_begin = static_cast<size_t>(groups[0].data() - text.data());
    if (hit.data() == nullptr || hit.empty()) {
      from = match_begin + 1;
      continue;
    }
    const auto begin = static_cast<size_t>(hit.data() - text.data());
    const size_t end = begin + hit.size();
    const std::string_view value = text.substr(begin, hit.size());
    const bool holds = BorderHolds(rule, text, begin, end) &&
                       (rule.valid == nullptr || rule.valid(value)) &&
                       !(std::strcmp(rule.id, "ipv4") == 0 && FollowsVersionWord(text, begin));
    if (holds) spans->push_back({begin, end, &rule});
    // A refused match may hide one that starts inside it; the bound keeps hostile text from costing
    // its square.
    from = holds || ++refused > kMaxRefused ? std::max(end, match_begin + 1) : match_begin + 1;
  }
}

}  // namespace bulkhead
