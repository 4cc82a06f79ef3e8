// For the sieve's tests: one sieve with a fixed key, and ways to run a value through it.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/check.h"
#include "crypto/crypto.h"
#include "sieve/sieve.h"

namespace bulkhead {

inline const Sieve& TestSieve() {
  static const Sieve* const sieve = [] {
    InitCrypto();
    static const KeyedHash key{SecretBytes(std::string_view("0123456789abcdef0123456789abcdef"))};
    auto made = Sieve::Create({"", "/usr/share/uap-core/regexes.yaml", &key});
    Check(made.has_value(), "the sieve of the tests is made");
    return std::move(made).value().release();
  }();
  return *sieve;
}

// The cleaned properties as JSON text; `outcome` may be null.
inline std::string CleanedJson(ValueObject properties, CleanOutcome* outcome = nullptr) {
  CleanOutcome own;
  TestSieve().CleanEventProperties(&properties, outcome != nullptr ? outcome : &own);
  return ToJson(Value(std::move(properties)));
}

inline std::string CleanedText(const std::string& name, const std::string& text,
                               CleanOutcome* outcome = nullptr) {
  ValueObject properties;
  properties.emplace_back(name, Value(text));
  return CleanedJson(std::move(properties), outcome);
}

}  // namespace bulkhead
