#include "vault/vault_service.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "model/value.h"
#include "vault/bulk_exports.h"
#include "vault/guess_limit.h"

namespace bulkhead {
namespace {

constexpr size_t kPageSubjects = 500;
constexpr size_t kPageFields = 200'000;  // names, of an answer to a HoldingsCall
constexpr uint64_t kMostRotated = 10'000;
constexpr int64_t kReportRefusalsEveryMs = 60'000;

bool IsReference(std::string_view text) {
  return text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view(" #./_-").find(c) != std::string_view::npos;
         });
}

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
  });
}

// What the asker may know: budget and rights, and otherwise only that it cannot be done now.
Error Refusal(const Error& error) {
  if (error.code == ErrorCode::kLimit || error.code == ErrorCode::kDenied) {
    return error;
  }
  return Error{ErrorCode::kUnavailable, "vault: it cannot be recorded, so nothing is given"};
}

void AppendLine(const SubjectId& subject, const RevealedField& field, std::string* out) {
  *out += "{\"subject\":\"" + subject.ToHex() + "\",\"field\":";
  AppendJsonString(field.field, out);
  *out += ",\"value\":";
  AppendJsonString(field.value.view(), out);
  *out += ",\"first_seen_ms\":" + std::to_string(field.first_seen_ms) +
          ",\"last_seen_ms\":" + std::to_string(field.last_seen_ms) +
          (field.from_profile ? ",\"from_profile\":true" : "") +
          (field.current ? ",\"current\":true}\n" : "}\n");
}

// As much as the lines can take, so that the text does not move while it grows.
size_t LinesRoom(const std::vector<RevealedSubject>& subjects) {
  size_t room = 0;
  for (const RevealedSubject& subject : subjects) {
    for (const RevealedField& field : subject.fields) {
      room += 256 + 6 * (field.field.size() + field.value.size());  // \u00XX for each byte
    }
  }
  return room;
}

bool IsExportCall(const VaultCall& call) {
  return std::holds_alternative<ExportAskCall>(call) ||
         std::holds_alternative<ExportListCall>(call) ||
         std::holds_alternative<ExportVetoCall>(call) ||
         std::holds_alternative<ExportPageCall>(call);
}

}  // namespace

class VaultService::Impl {
 public:
  Impl(VaultServiceOptions options, BulkExports exports)
      : options_(std::move(options)),
        exports_(std::move(exports)),
        guesses_(options_.policy.guesses, options_.clock) {}

  Result<VaultAnswer> Handle(const RevealCall& call) {
    if (Result<void> checked = CheckOpening(call.asker, call.fields); !checked) {
      return checked.error();
    }
    if (call.subjects.empty()) {
      return Error{ErrorCode::kInvalid, "vault: no subject is named"};
    }
    const RevealSelection selection{call.asker.project, call.fields, call.history, call.names_only};
    RevealAnswer answer;
    Result<std::vector<RevealedSubject>> subjects =
        Open(RevealAct{VaultAction::kReveal, call.asker, call.subjects, call.fields, 0, 0, ""},
             selection, &answer.subjects_left);
    if (!subjects) {
      return subjects.error();
    }
    answer.subjects = std::move(*subjects);
    return VaultAnswer(std::move(answer));
  }

  Result<VaultAnswer> Handle(const FindCall& call) {
    if (Result<void> checked = CheckOpening(call.asker, {}); !checked) {
      return checked.error();
    }
    if (Result<void> taken = TakeGuesses(call.asker, 1); !taken) {
      return taken.error();
    }
    Result<std::vector<SubjectId>> found =
        options_.vault->FindByEmail(call.email, call.asker.project);
    if (!found) {
      return found.error();
    }
    const Result<RevealAllowed> allowed = options_.gate->Ask(
        RevealAct{VaultAction::kFind, call.asker, *found, {}, found->size(), 0, ""});
    if (!allowed) {
      return Refusal(allowed.error());
    }
    return VaultAnswer(FindAnswer{std::move(*found)});
  }

  Result<VaultAnswer> Handle(const PseudonymCall& call) {
    if (!IsName(call.asker.actor)) {
      return Error{ErrorCode::kInvalid, "vault: a call needs an actor"};
    }
    if (Result<void> taken = TakeGuesses(call.asker, call.raw_ids.size()); !taken) {
      return taken.error();
    }
    PseudonymAnswer answer;
    for (const std::string& raw_id : call.raw_ids) {
      const Result<SubjectId> subject = options_.vault->PseudonymOf(raw_id);
      if (!subject) {
        return subject.error();
      }
      answer.subjects.push_back(*subject);
    }
    return VaultAnswer(std::move(answer));
  }

  Result<VaultAnswer> Handle(const EraseCall& call) {
    if (Result<void> checked = CheckAsker(call.asker); !checked) {
      return checked.error();
    }
    if (call.subjects.empty()) {
      return Error{ErrorCode::kInvalid, "vault: no subject is named"};
    }
    RevealAct act{VaultAction::kErase, call.asker, call.subjects, {}, 0, LogEnd(), ""};
    for (const SubjectId& subject : call.subjects) {
      const Result<uint64_t> count = options_.vault->CountValues(subject);
      // A damaged or lost key is no reason to keep it.
      act.count += count ? *count : 0;
    }
    if (const Result<RevealAllowed> allowed = options_.gate->Ask(act); !allowed) {
      return Refusal(allowed.error());
    }
    Result<std::vector<ErasedSubject>> erased =
        options_.vault->EraseMany(call.subjects, act.log_position);
    if (!erased) {
      return Failed(act, erased.error());
    }
    act.count = 0;
    for (const ErasedSubject& subject : *erased) {
      act.count += subject.values;
    }
    const Result<RevealAllowed> ended = options_.gate->Ended(act, true);
    if (!ended) {
      return Error{ErrorCode::kUnavailable,
                   "vault: erased, but the proof cannot be recorded; ask again"};
    }
    return VaultAnswer(EraseAnswer{std::move(*erased), ended->entry});
  }

  Result<VaultAnswer> Handle(const StatusCall&) {
    const Result<VaultCounts> counts = options_.vault->Counts();
    if (!counts) {
      return counts.error();
    }
    const std::lock_guard lock(mutex_);
    const Result<uint64_t> open = exports_.CountOpen(options_.clock->NowMs());
    if (!open) {
      return open.error();
    }
    return VaultAnswer(
        StatusAnswer{*counts, options_.vault->applied_position(), *open, guesses_.refused()});
  }

  Result<VaultAnswer> Handle(const ExportAskCall& call) {
    if (Result<void> checked = CheckOpening(call.asker, call.fields); !checked) {
      return checked.error();
    }
    if (call.recipient == std::array<uint8_t, 32>{}) {
      return Error{ErrorCode::kInvalid, "vault: an export needs the recipient's public key"};
    }
    const std::lock_guard lock(mutex_);
    const int64_t now_ms = options_.clock->NowMs();
    if (Result<void> forgotten = exports_.Forget(now_ms); !forgotten) {
      return forgotten.error();
    }
    RevealAct act{VaultAction::kExportAsk, call.asker, call.subjects, call.fields, 0, 0, ""};
    if (const Result<RevealAllowed> allowed = options_.gate->Ask(act); !allowed) {
      return Refusal(allowed.error());
    }
    Result<ExportInfo> added = exports_.Add(call, now_ms, options_.policy.export_lock_ms);
    if (!added) {
      return Failed(act, added.error());
    }
    act.export_id = added->export_id;
    if (const Result<RevealAllowed> ended = options_.gate->Ended(act, true); !ended) {
      // Nobody would learn of the id that can be vetoed.
      (void)exports_.Veto(added->export_id, "vault").has_value();
      return Refusal(ended.error());
    }
    return VaultAnswer(ExportAnswer{std::move(*added)});
  }

  Result<VaultAnswer> Handle(const ExportListCall& call) {
    const std::lock_guard lock(mutex_);
    Result<std::vector<ExportInfo>> list = exports_.List(call.project, options_.clock->NowMs());
    return list ? Result<VaultAnswer>(VaultAnswer(ExportListAnswer{std::move(*list)}))
                : list.error();
  }

  // The one act that happens first and is recorded then: it only ever keeps something in.
  Result<VaultAnswer> Handle(const ExportVetoCall& call) {
    if (!IsName(call.asker.actor)) {
      return Error{ErrorCode::kInvalid, "vault: a call needs an actor"};
    }
    const std::lock_guard lock(mutex_);
    const int64_t now_ms = options_.clock->NowMs();
    Result<BulkExport> found = exports_.Find(call.asker.project, call.export_id, now_ms);
    if (!found) {
      return found.error();
    }
    if (Result<void> vetoed = exports_.Veto(call.export_id, call.asker.actor); !vetoed) {
      return vetoed.error();
    }
    const Result<RevealAllowed> recorded = options_.gate->Ask(
        RevealAct{VaultAction::kExportVeto, call.asker, {}, {}, 0, 0, call.export_id});
    if (!recorded) {
      return Error{ErrorCode::kUnavailable, "vault: vetoed, but it cannot be recorded; ask again"};
    }
    found = exports_.Find(call.asker.project, call.export_id, now_ms);
    return found ? Result<VaultAnswer>(VaultAnswer(ExportAnswer{std::move(found->info)}))
                 : found.error();
  }

  Result<VaultAnswer> Handle(const ExportPageCall& call) {
    if (Result<void> checked = CheckAsker(call.asker); !checked) {
      return checked.error();
    }
    // Held to the end: a veto that was answered before this began holds.
    const std::lock_guard lock(mutex_);
    Result<BulkExport> found =
        exports_.Find(call.asker.project, call.export_id, options_.clock->NowMs());
    if (!found) {
      return found.error();
    }
    if (Result<void> ready = CheckReady(call.asker, found->info); !ready) {
      return ready.error();
    }
    Result<std::vector<SubjectId>> subjects = PageSubjects(found->call, call.after);
    if (!subjects) {
      return subjects.error();
    }
    ExportPageAnswer answer;
    if (subjects->empty()) {
      return VaultAnswer(std::move(answer));
    }
    const ExportAskCall& asked = found->call;
    uint64_t left = 0;
    const Result<std::vector<RevealedSubject>> opened =
        Open(RevealAct{VaultAction::kExportPage, asked.asker, *subjects, asked.fields, 0, 0,
                       call.export_id},
             RevealSelection{asked.asker.project, asked.fields, asked.history, false}, &left);
    if (!opened) {
      return opened.error();
    }
    std::string lines;
    lines.reserve(LinesRoom(*opened));
    for (const RevealedSubject& subject : *opened) {
      for (const RevealedField& field : subject.fields) {
        AppendLine(subject.subject, field, &lines);
      }
    }
    answer.sealed = Seal(asked.recipient, lines);
    Wipe(&lines);
    answer.last = subjects->back();
    answer.subjects = subjects->size();
    return VaultAnswer(std::move(answer));
  }

  // Recorded before it is told, as everything that says whom the vault has.
  Result<VaultAnswer> Handle(const HoldingsCall& call) {
    if (call.asker.project.value == 0 || !IsName(call.asker.actor)) {
      return Error{ErrorCode::kInvalid, "vault: a call needs a project and an actor"};
    }
    Result<std::vector<SubjectFields>> page =
        options_.vault->FieldsAfter(call.asker.project, call.after, kPageFields);
    if (!page) {
      return page.error();
    }
    const RevealAct act{VaultAction::kSurvey, call.asker, {}, {}, page->size(), 0, ""};
    if (const Result<RevealAllowed> allowed = options_.gate->Ask(act); !allowed) {
      return Refusal(allowed.error());
    }
    size_t names = 0;
    for (const SubjectFields& one : *page) names += one.fields.size();
    return VaultAnswer(HoldingsAnswer{std::move(*page), names >= kPageFields});
  }

  Result<VaultAnswer> Handle(const RotateCall& call) {
    const uint64_t most = std::min(call.most, kMostRotated);
    const Result<RotationProgress> keys = options_.vault->RewrapSubjectKeys(most);
    const Result<RotationProgress> addresses = keys ? options_.vault->ReindexAddresses(most) : keys;
    return addresses ? Result<VaultAnswer>(VaultAnswer(RotateAnswer{*keys, *addresses}))
                     : addresses.error();
  }

  Result<void> ApplyAudit(const std::vector<Tombstone>& erasures,
                          const std::vector<std::string>& vetoed_exports) {
    if (const Result<uint64_t> applied = options_.vault->ApplyTombstones(erasures); !applied) {
      return applied.error();
    }
    for (const std::string& id : vetoed_exports) {
      if (Result<void> vetoed = exports_.Veto(id, "audit log"); !vetoed) {
        return vetoed;
      }
    }
    return {};
  }

 private:
  Result<void> CheckAsker(const VaultAsker& asker) const {
    if (asker.project.value == 0 || !IsName(asker.actor)) {
      return Error{ErrorCode::kInvalid, "vault: a call needs a project and an actor"};
    }
    const std::vector<std::string>& purposes = options_.policy.purposes;
    if (std::find(purposes.begin(), purposes.end(), asker.purpose) == purposes.end()) {
      return Error{ErrorCode::kDenied, "vault: the purpose is not one of the list"};
    }
    if (!IsReference(asker.reference)) {
      return Error{ErrorCode::kInvalid,
                   "vault: a reference has at most 64 letters, digits and \" #./_-\""};
    }
    return {};
  }

  Result<void> CheckOpening(const VaultAsker& asker, const std::vector<std::string>& fields) const {
    if (Result<void> checked = CheckAsker(asker); !checked) {
      return checked;
    }
    return std::all_of(fields.begin(), fields.end(),
                       [](const std::string& field) { return IsName(field); })
               ? Result<void>()
               : Error{ErrorCode::kInvalid, "vault: a field's name has 1 to 255 printable bytes"};
  }

  Result<void> CheckReady(const VaultAsker& asker, const ExportInfo& info) const {
    if (asker.actor != info.asker.actor || asker.purpose != info.asker.purpose) {
      return Error{ErrorCode::kDenied, "vault: an export goes to who asked for it"};
    }
    switch (info.state) {
      case ExportState::kVetoed:
        return Error{ErrorCode::kDenied, "vault: the export was vetoed"};
      case ExportState::kExpired:
        return Error{ErrorCode::kDenied, "vault: the export was not collected in time"};
      case ExportState::kWaiting:
        return Error{ErrorCode::kDenied, "vault: the export's time has not come"};
      case ExportState::kReady:
        break;
    }
    return options_.approval != nullptr ? options_.approval->Check(info) : Result<void>();
  }

  Result<std::vector<SubjectId>> PageSubjects(const ExportAskCall& asked, const SubjectId& after) {
    if (asked.subjects.empty()) {
      return options_.vault->SubjectsAfter(asked.asker.project, after, kPageSubjects);
    }
    const std::set<SubjectId> ordered(asked.subjects.begin(), asked.subjects.end());
    std::vector<SubjectId> page;
    for (auto at = ordered.upper_bound(after); at != ordered.end() && page.size() < kPageSubjects;
         ++at) {
      page.push_back(*at);
    }
    return page;
  }

  // Record first, then open.
  Result<std::vector<RevealedSubject>> Open(RevealAct act, const RevealSelection& selection,
                                            uint64_t* subjects_left) {
    for (const SubjectId& subject : act.subjects) {
      const Result<uint64_t> count = options_.vault->CountValues(subject, selection);
      if (!count) {
        return count.error();
      }
      act.count += *count;
    }
    const Result<RevealAllowed> allowed = options_.gate->Ask(act);
    if (!allowed) {
      return Refusal(allowed.error());
    }
    *subjects_left = allowed->subjects_left;
    std::vector<RevealedSubject> opened;
    for (const SubjectId& subject : act.subjects) {
      Result<std::vector<RevealedField>> fields = options_.vault->Reveal(subject, selection);
      if (!fields) {
        return Failed(act, fields.error());
      }
      opened.push_back({subject, std::move(*fields)});
    }
    return opened;
  }

  // The act failed after it was recorded as allowed; its own error matters more than one of this
  // record.
  Error Failed(const RevealAct& act, Error error) {
    (void)options_.gate->Ended(act, false).has_value();
    return error;
  }

  // Refusals are recorded as a sum, the first at once: a flood of guesses must not become a flood
  // of records.
  Result<void> TakeGuesses(const VaultAsker& asker, uint64_t count) {
    if (guesses_.Take(count)) {
      return {};
    }
    const std::lock_guard lock(refusals_mutex_);
    const int64_t now_ms = options_.clock->NowMs();
    const uint64_t refused = guesses_.refused();
    if (refused > reported_refusals_ &&
        (!reported_ms_ || std::abs(now_ms - *reported_ms_) >= kReportRefusalsEveryMs)) {
      const Result<RevealAllowed> recorded = options_.gate->Ask(RevealAct{
          VaultAction::kGuessesRefused, asker, {}, {}, refused - reported_refusals_, 0, ""});
      if (recorded) {
        reported_refusals_ = refused;
        reported_ms_ = now_ms;
      }
    }
    return Error{ErrorCode::kLimit, "vault: too many ids are asked for; at most " +
                                        std::to_string(options_.policy.guesses.per_second) +
                                        " a second in the long run"};
  }

  uint64_t LogEnd() const {
    const std::optional<uint64_t> applied = options_.vault->applied_position();
    const uint64_t taken = applied ? *applied + 1 : 0;
    return options_.log_end ? std::max(taken, options_.log_end()) : taken;
  }

  const VaultServiceOptions options_;
  std::mutex mutex_;  // of exports_
  BulkExports exports_;
  GuessLimit guesses_;
  std::mutex refusals_mutex_;
  uint64_t reported_refusals_ = 0;
  std::optional<int64_t> reported_ms_;
};

Result<std::unique_ptr<VaultService>> VaultService::Start(VaultServiceOptions options) {
  Check(options.vault != nullptr && options.gate != nullptr && options.clock != nullptr,
        "a vault service has a vault, a gate and a clock");
  Result<BulkExports> exports =
      BulkExports::Open(*options.fs, options.exports_path, options.vault->KeyOfFile("exports.db"));
  if (!exports) {
    return exports.error();
  }
  const std::vector<Tombstone> erasures = std::exchange(options.erasures, {});
  const std::vector<std::string> vetoed = std::exchange(options.vetoed_exports, {});
  auto impl = std::make_unique<Impl>(std::move(options), std::move(*exports));
  if (Result<void> applied = impl->ApplyAudit(erasures, vetoed); !applied) {
    return applied.error();
  }
  return std::unique_ptr<VaultService>(new VaultService(std::move(impl)));
}

VaultService::VaultService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VaultService::~VaultService() = default;

Result<VaultAnswer> VaultService::Answer(const VaultCall& call) {
  return std::visit([this](const auto& held) { return impl_->Handle(held); }, call);
}

namespace {

// For vendors what their policy names, and for notices the address alone.
bool IsEgressReveal(const VaultCall& call) {
  const auto* reveal = std::get_if<RevealCall>(&call);
  if (reveal == nullptr || reveal->fields.empty() || reveal->history) return false;
  const bool address = reveal->fields.size() == 1 && reveal->fields.front() == kNoticeField;
  return reveal->asker.actor.starts_with(kVendorActor) ||
         (reveal->asker.actor.starts_with(kIncidentActor) && address);
}

}  // namespace

SecretBytes VaultService::AnswerMessage(std::string_view bytes, VaultCaller caller) {
  Result<VaultCall> call = DecodeVaultCall(bytes);
  if (!call) {
    return EncodeVaultAnswer(call.error());
  }
  const bool holdings = std::holds_alternative<HoldingsCall>(*call);
  if (caller == VaultCaller::kEgress && !holdings && !IsEgressReveal(*call)) {
    WipeCall(&*call);
    return EncodeVaultAnswer(
        Error{ErrorCode::kDenied, "vault: egress reveals for vendors and notices alone"});
  }
  if (caller == VaultCaller::kCompartment && holdings) {
    return EncodeVaultAnswer(Error{ErrorCode::kDenied, "vault: incidents are egress's"});
  }
  if (IsExportCall(*call) && caller != VaultCaller::kOperator) {
    WipeCall(&*call);
    return EncodeVaultAnswer(Error{ErrorCode::kDenied, "vault: exports are the operator's alone"});
  }
  const Result<VaultAnswer> answer = Answer(*call);
  WipeCall(&*call);
  return EncodeVaultAnswer(answer);
}

}  // namespace bulkhead
