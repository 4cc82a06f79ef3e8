// Arbitrary bytes as a call to the vault, as its answer and as its settings: refused, or read to
// something that is written to the same bytes again.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "vault/vault_messages.h"
#include "vault/vault_policy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bulkhead;  // NOLINT
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (Result<VaultCall> call = DecodeVaultCall(bytes)) {
    Check(EncodeVaultCall(*call) == bytes, "a call has one form");
    WipeCall(&*call);
  }
  if (const Result<VaultAnswer> answer = DecodeVaultAnswer(bytes)) {
    Check(EncodeVaultAnswer(answer).view() == bytes, "an answer has one form");
  }
  if (const Result<VaultPolicy> policy = ParseVaultPolicy(bytes)) {
    Check(!policy->purposes.empty() && policy->guesses.at_start <= policy->guesses.burst,
          "settings make sense");
  }
  return 0;
}
