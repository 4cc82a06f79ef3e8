#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "base/base64.h"
#include "base/check.h"
#include "corpora/literals.h"

namespace bulkhead::corpora {
namespace {

bool IsOneOf(std::string_view name, const std::string_view* begin, const std::string_view* end) {
  return std::find(begin, end, name) != end;
}

// Presidio's recognisers of what the sieve looks for in values; its others stand in
// docs/detectors.md.
constexpr std::string_view kPersonalRules[] = {
    "email", "phone", "ph_mobile_number", "tr_phone_number", "credit_card", "iban", "us_ssn", "ip"};

Group GroupOf(const std::string& corpus, const std::string& rule, bool keyed) {
  if (corpus == "presidio") {
    return IsOneOf(rule, std::begin(kPersonalRules), std::end(kPersonalRules)) ? Group::kPersonal
                                                                               : Group::kOutside;
  }
  return keyed ? Group::kKeyed : Group::kPrefixed;
}

std::vector<std::string> Fields(const std::string& line) {
  std::vector<std::string> fields;
  for (size_t from = 0;;) {
    const size_t tab = line.find('\t', from);
    fields.push_back(line.substr(from, tab - from));
    if (tab == std::string::npos) return fields;
    from = tab + 1;
  }
}

}  // namespace

std::vector<Literal> ReadPublicLiterals(const std::string& path) {
  std::vector<Literal> literals;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> fields = Fields(line);
    Check(fields.size() == 5, "a line of the corpora has five fields");
    const auto text = Base64DecodeStrict(fields[3]);
    const auto secret = Base64DecodeStrict(fields[4]);
    Check(text && secret, "the texts of the corpora are base64");
    const bool keyed = fields[2].find('k') != std::string::npos;
    literals.push_back({fields[0], fields[1], GroupOf(fields[0], fields[1], keyed),
                        fields[2].starts_with('+'), *text, *secret});
  }
  return literals;
}

}  // namespace bulkhead::corpora
