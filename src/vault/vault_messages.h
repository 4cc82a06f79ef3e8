// What the vault is asked and what it answers, as plain data and as the bytes of a message on its
// channel (docs/formats/vault_messages.md). Whoever owns the asking compartment writes these bytes,
// so decoding is safe on any: kInvalid, nothing read outside them, every count and text bounded.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "model/ids.h"
#include "vault/reveal_gate.h"
#include "vault/vault.h"

namespace bulkhead {

inline constexpr size_t kMaxCallSubjects = limits::kMaxAskedPersons;
inline constexpr size_t kMaxCallFields = 64;
inline constexpr size_t kMaxCallTextBytes = limits::kMaxAskedIdBytes;
inline constexpr size_t kMaxCallBytes = 1024UL * 1024;

struct RevealCall {
  VaultAsker asker;
  std::vector<SubjectId> subjects;
  std::vector<std::string> fields;  // empty: every field
  bool history = false;             // former values too
  bool names_only = false;          // which fields are known, without their values
};
struct FindCall {
  VaultAsker asker;
  std::string email;
};
struct PseudonymCall {  // needs no purpose: nothing is opened
  VaultAsker asker;
  std::vector<std::string> raw_ids;
};
struct EraseCall {
  VaultAsker asker;
  std::vector<SubjectId> subjects;
};
struct StatusCall {};
// Bulk: asked for now, given after the time lock, unless somebody says no.
struct ExportAskCall {
  VaultAsker asker;
  std::vector<SubjectId> subjects;  // empty: everybody of whom the project sealed anything
  std::vector<std::string> fields;
  bool history = false;
  std::array<uint8_t, 32> recipient{};  // X25519: pages are sealed to it
};
struct ExportListCall {
  ProjectId project;
};
struct ExportVetoCall {
  VaultAsker asker;
  std::string export_id;
};
struct ExportPageCall {
  VaultAsker asker;
  std::string export_id;
  SubjectId after;  // ExportPageAnswer::last of the page before; zero: the first page
};
// A step of what rotations are under way.
struct RotateCall {
  uint64_t most = 0;  // subjects
};
// Of whom the project sealed which fields: for an incident. Needs no purpose, nothing is opened.
struct HoldingsCall {
  VaultAsker asker;
  SubjectId after;  // the last subject of the page before; zero: the first page
};
using VaultCall =
    std::variant<RevealCall, FindCall, PseudonymCall, EraseCall, StatusCall, ExportAskCall,
                 ExportListCall, ExportVetoCall, ExportPageCall, RotateCall, HoldingsCall>;

struct RevealedSubject {
  SubjectId subject;
  std::vector<RevealedField> fields;
};
struct RevealAnswer {
  std::vector<RevealedSubject> subjects;  // as asked
  uint64_t subjects_left = 0;             // of the budget
};
struct FindAnswer {
  std::vector<SubjectId> subjects;
};
struct PseudonymAnswer {
  std::vector<SubjectId> subjects;  // as asked; zero for an empty id
};
struct EraseAnswer {
  std::vector<ErasedSubject> subjects;  // as asked
  uint64_t entry = 0;                   // of the audit log, where the proof stands
};
struct StatusAnswer {
  VaultCounts counts;
  std::optional<uint64_t> applied_position;
  uint64_t pending_exports = 0;
  uint64_t refused_guesses = 0;  // since the start
};
enum class ExportState : uint8_t { kWaiting = 1, kReady, kVetoed, kExpired };
struct ExportInfo {
  std::string export_id;
  VaultAsker asker;
  std::vector<std::string> fields;
  uint64_t subjects = 0;  // named; 0: everybody
  int64_t asked_ms = 0;
  int64_t due_ms = 0;
  ExportState state = ExportState::kWaiting;
  std::string vetoed_by;
};
struct ExportAnswer {  // to ExportAskCall and ExportVetoCall
  ExportInfo info;
};
struct ExportListAnswer {
  std::vector<ExportInfo> exports;
};
struct ExportPageAnswer {
  std::string sealed;  // a sealed box to the recipient around JSON lines; empty: no subject is left
  SubjectId last;
  uint64_t subjects = 0;
};
struct RotateAnswer {
  RotationProgress subject_keys;
  RotationProgress addresses;
};
struct HoldingsAnswer {
  std::vector<SubjectFields> subjects;  // in order
  bool more = false;
};
using VaultAnswer =
    std::variant<RevealAnswer, FindAnswer, PseudonymAnswer, EraseAnswer, StatusAnswer, ExportAnswer,
                 ExportListAnswer, ExportPageAnswer, RotateAnswer, HoldingsAnswer>;

std::string EncodeVaultCall(const VaultCall& call);
Result<VaultCall> DecodeVaultCall(std::string_view bytes);
// Overwrites raw ids and addresses.
void WipeCall(VaultCall* call);

// An answer, or the error with which it was refused.
SecretBytes EncodeVaultAnswer(const Result<VaultAnswer>& answer);
Result<VaultAnswer> DecodeVaultAnswer(std::string_view bytes);

}  // namespace bulkhead
