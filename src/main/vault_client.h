// Asks the vault's compartment.
#pragma once

#include <chrono>

#include "base/result.h"
#include "channel/rpc_client.h"
#include "crypto/crypto.h"
#include "vault/vault_messages.h"

namespace bulkhead {

inline constexpr uint8_t kVaultCall = 1;  // body and answer: vault/vault_messages.h

class VaultClient {
 public:
  void Attach(Descriptor line) { client_.Attach(std::move(line)); }

  // The answer of that type, or the error with which the vault refused. kUnavailable: not running.
  template <typename Answer>
  Result<Answer> Ask(const VaultCall& call,
                     std::chrono::milliseconds timeout = std::chrono::minutes(2)) {
    Result<VaultAnswer> answer = AskAny(call, timeout);
    if (!answer) {
      return answer.error();
    }
    Answer* wanted = std::get_if<Answer>(&*answer);
    if (wanted == nullptr) {
      return Error{ErrorCode::kBug, "the vault answered another question"};
    }
    return std::move(*wanted);
  }

 private:
  Result<VaultAnswer> AskAny(const VaultCall& call, std::chrono::milliseconds timeout) {
    Result<std::string> answer = client_.Call(kVaultCall, EncodeVaultCall(call), timeout);
    if (!answer) {
      return answer.error();
    }
    Result<VaultAnswer> decoded = DecodeVaultAnswer(*answer);
    Wipe(&*answer);
    return decoded;
  }
  RpcClient client_;
};

}  // namespace bulkhead
