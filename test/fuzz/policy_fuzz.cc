// Arbitrary bytes as a policy file: refused with lines, or read; then its canonical text must read
// back to the same policy, and the sieve must work under it without opening a secret.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "crypto/crypto.h"
#include "sieve/compiled_policy.h"
#include "sieve/policy_holder.h"
#include "sieve/sieve.h"

namespace {

using namespace bulkhead;  // NOLINT

constexpr std::string_view kSecret = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

const Sieve& FuzzedSieve() {
  static const Sieve* const sieve = [] {
    InitCrypto();
    static const KeyedHash key{SecretBytes(std::string_view("fuzz-key-fuzz-key-fuzz-key-fuzz!"))};
    auto made = Sieve::Create({"", "", &key});
    Check(made.has_value(), "the sieve is made");
    return std::move(made).value().release();
  }();
  return *sieve;
}

void CheckErrors(const std::string& message) {
  std::string_view rest = message;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    Check(rest.substr(0, end).starts_with("p:"), "every mistake names the file and a line");
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Result<LoadedPolicy> loaded = LoadPolicy(input, "p");
  if (!loaded) {
    CheckErrors(loaded.error().message);
    return 0;
  }
  const Result<LoadedPolicy> again = LoadPolicy(loaded->canonical_text, "p");
  Check(again && again->policy == loaded->policy && again->hash == loaded->hash,
        "the canonical text is the policy");
  const CompiledPolicy compiled(loaded->policy, 1, loaded->hash);
  for (const uint32_t project : {1U, 2U}) {
    ValueObject inner;
    inner.emplace_back("password", Value("hunter2hunter2"));
    inner.emplace_back("note", Value(kSecret));
    ValueObject properties;
    properties.emplace_back("plan", Value(kSecret));
    properties.emplace_back("form", Value(std::move(inner)));
    CleanOutcome outcome;
    FuzzedSieve().CleanEventProperties(&properties, &outcome,
                                       {&compiled.Of(ProjectId{project}), "signup"});
    const std::string kept = ToJson(Value(std::move(properties)));
    Check(kept.find("ghp_0123") == std::string::npos && kept.find("hunter2") == std::string::npos,
          "no policy opens a secret");
  }
  return 0;
}
