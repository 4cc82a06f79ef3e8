// How others ask the vault: the kinds of calls and their bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "channel/rpc_client.h"
#include "model/ids.h"
#include "vault/reveal.h"

namespace bulkhead {

inline constexpr uint8_t kVaultReveal = 1;     // request, one subject
inline constexpr uint8_t kVaultErase = 2;      // request, subjects, the log's end
inline constexpr uint8_t kVaultFind = 3;       // request, an address
inline constexpr uint8_t kVaultPseudonym = 4;  // a raw id

struct VaultQuestion {
  VaultRequest request;
  std::vector<SubjectId> subjects;
  std::string text;  // an address or a raw id
  uint64_t log_end = 0;
};
std::string EncodeVaultQuestion(const VaultQuestion& question);
Result<VaultQuestion> DecodeVaultQuestion(std::string_view bytes);

// What is told of a field that was opened.
struct RevealedText {
  std::string field;
  std::string value;
  bool earlier = false;  // a former value of a profile
};
std::string EncodeRevealed(const std::vector<RevealedField>& fields);
Result<std::vector<RevealedText>> DecodeRevealed(std::string_view bytes);
std::string EncodeSubjects(const std::vector<SubjectId>& subjects);
Result<std::vector<SubjectId>> DecodeSubjects(std::string_view bytes);

}  // namespace bulkhead
