// What the sieve is tried on: literals of public corpora, and ones made from the formats as their
// issuers describe them.
#pragma once

#include <string>
#include <vector>

namespace bulkhead::corpora {

enum class Group : unsigned char {
  kPrefixed,  // a secret whose own form says what it is
  kKeyed,     // one that only the name beside it gives away
  kPersonal,
  kOutside  // not looked for, by design: docs/detectors.md says why
};

struct Literal {
  std::string corpus;
  std::string rule;  // of the corpus
  Group group = Group::kPrefixed;
  bool positive = true;
  std::string text;    // as the corpus writes it, with what stands around the secret
  std::string secret;  // what must not be found afterwards; empty for a negative
};

// As read_corpora.py writes them; empty where there is no such file.
std::vector<Literal> ReadPublicLiterals(const std::string& path);

// The same at every call.
std::vector<Literal> MakeOwnLiterals();

}  // namespace bulkhead::corpora
