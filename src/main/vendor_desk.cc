#include "main/vendor_desk.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>
#include <utility>

#include "base/hex.h"
#include "crypto/crypto.h"
#include "incident/calendar.h"
#include "main/desk_command.h"
#include "main/vendor_json.h"
#include "model/value.h"

namespace bulkhead {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr uint64_t kMostDeadShown = 1000;
constexpr uint64_t kMostByHandShown = 500'000;  // in one answer
constexpr std::chrono::milliseconds kListIdsFor{1500};
constexpr std::chrono::milliseconds kAnswerKillAfter{3000};
constexpr std::chrono::milliseconds kLookAgain{20};

// For the audit log, before the vendor is asked.
std::string DeletionInWords(const VendorStatus& status, LeftData data) {
  if (data == LeftData::kKeep) {
    return "what it has is left there";
  }
  return status.leaving_counted ? fmt::format("deletion of {} ids", status.leaving_left)
                                : std::string("deletion of all ids, which are being counted");
}

// What can be said of a dead letter: no value.
std::string DeadJson(const DeadLetter& letter) {
  const Batch& batch = letter.message.batch;
  std::string json =
      fmt::format(R"({{"at_ms":{},"reason":{})", letter.at_ms, JsonString(letter.reason));
  const ValueObject* properties = nullptr;
  if (!batch.events.empty()) {
    json += ",\"event\":" + JsonString(batch.events.front().name);
    properties = &batch.events.front().properties;
  } else if (!batch.profile_updates.empty()) {
    properties = &batch.profile_updates.front().properties;
  }
  json += ",\"properties\":[";
  if (properties != nullptr) {
    for (const auto& [name, value] : *properties) {
      json += (json.back() == '[' ? "" : ",") + JsonString(name);
    }
  }
  return json + "]}";
}

}  // namespace

struct VendorDesk::Command {
  std::string actor, kind, vendor, credential, from, to, address;
  ReviveCodes codes;
  uint64_t epoch = 0, behind = 0;
  bool by_mail = false, keep_data = false;
};

bool IsVendorCommand(std::string_view kind) { return kind.starts_with("vendor-"); }

Result<VendorDesk::Command> VendorDesk::Parse(std::string_view body) {
  const Result<DeskCommand> sent = DeskCommand::Parse(body);
  if (!sent) {
    return sent.error();
  }
  Command command;
  command.actor = sent->actor();
  command.kind = sent->kind();
  command.vendor = sent->Text("vendor");
  command.credential = sent->Text("credential");
  command.from = sent->Text("from");
  command.to = sent->Text("to");
  command.codes = {sent->Text("code1"), sent->Text("code2")};
  command.epoch = sent->Number("epoch");
  command.behind = sent->Number("behind");
  command.keep_data = sent->Flag("keep_data");
  command.address = sent->Text("address");
  command.by_mail = sent->Text("via") == "smtp";
  return command;
}

Result<std::string> VendorDesk::Answer(std::string_view body) {
  Result<Command> command = Parse(body);
  if (!command) {
    return command.error();
  }
  Result<std::string> answer = Do(*command);
  Wipe(&command->credential);
  return answer;
}

Result<std::string> VendorDesk::Do(const Command& command) {
  if (command.kind == "vendor-list") return List();
  if (command.kind == "vendor-exposure") return Exposed(command);
  if (command.kind == "vendor-dead") return Dead(command);
  if (command.kind == "vendor-measure") return Measure();
  if (command.kind == "vendor-kill") return Kill(command);
  if (command.kind == "vendor-canary-seen") return CanarySeen(command);
  if (command.kind == "vendor-canaries") return Canaries(command);
  const auto done = [](Result<void> result) {
    return result ? Result<std::string>("{}") : Result<std::string>(result.error());
  };
  if (command.kind == "vendor-credential") {
    return Change(command, [&](VendorSender* sender) {
      return done(sender->SetCredential(SecretBytes(command.credential)));
    });
  }
  if (command.kind == "vendor-revive") {
    return Change(command,
                  [&](VendorSender* sender) { return done(sender->Revive(command.codes)); });
  }
  if (command.kind == "vendor-new-epoch") {
    return Change(command, [&](VendorSender* sender) { return done(sender->BeginEpoch()); });
  }
  if (command.kind == "vendor-forget-epoch") {
    return Change(command, [&](VendorSender* sender) {
      return done(sender->DestroyEpochKey(static_cast<uint32_t>(command.epoch)));
    });
  }
  if (command.kind == "vendor-backfill") return Backfill(command);
  if (command.kind == "vendor-by-hand") return ByHand(command);
  if (command.kind == "vendor-by-hand-done") {
    return Change(command, [&](VendorSender* sender) {
      return sender->status().leaving
                 ? Error{ErrorCode::kUnavailable, "further ids may be left to you: try again later"}
                 : done(sender->ClearByHand());
    });
  }
  if (command.kind == "vendor-resend") {
    return Change(command, [&](VendorSender* sender) -> Result<std::string> {
      const Result<uint64_t> count = sender->ResendDead();
      return count ? Result<std::string>(fmt::format(R"({{"messages":{}}})", *count))
                   : count.error();
    });
  }
  return Error{ErrorCode::kInvalid, "this server does not know that command"};
}

Result<std::shared_ptr<VendorSender>> VendorDesk::SenderOf(const Command& command) const {
  std::shared_ptr<VendorSender> sender = parts_.gateway->Find(command.vendor);
  if (sender == nullptr) {
    return Error{ErrorCode::kNotFound, "the policy in force names no vendor of that name"};
  }
  return sender;
}

Result<uint64_t> VendorDesk::Record(const Command& command, std::string_view outcome,
                                    std::string scope) {
  AuditEntry entry;
  entry.actor = command.actor;
  entry.action = command.kind;
  entry.action.replace(entry.action.find('-'), 1, ".");
  entry.project = 0;
  entry.scope = scope.empty() ? "vendor " + command.vendor : std::move(scope);
  entry.outcome = outcome;
  return parts_.record(entry);
}

Result<std::string> VendorDesk::Change(
    const Command& command, const std::function<Result<std::string>(VendorSender*)>& change) {
  const Result<std::shared_ptr<VendorSender>> sender = SenderOf(command);
  if (!sender) {
    return sender.error();
  }
  if (const Result<uint64_t> recorded = Record(command, "allowed"); !recorded) {
    return recorded.error();
  }
  Result<std::string> done = change(sender->get());
  if (!done) {
    // What was allowed did not happen; that this cannot be said either changes nothing.
    static_cast<void>(Record(command, "failed").has_value());
  }
  return done;
}

// Stops first: nothing that has to be written down may hold it up. Asking the vendor to delete
// waits until it is written down, and the answer not for long until the vendor has been asked.
Result<std::string> VendorDesk::Kill(const Command& command) {
  const auto began = SteadyClock::now();
  const Result<std::shared_ptr<VendorSender>> sender = SenderOf(command);
  if (!sender) {
    return sender.error();
  }
  const LeftData data = command.keep_data ? LeftData::kKeep : LeftData::kDelete;
  const Result<ReviveCodes> codes = (*sender)->Kill(command.actor, data);
  if (!codes) {
    return codes.error();
  }
  // What fails here goes on behind, where it is told as trouble.
  static_cast<void>((*sender)->ListForDeletion(kListIdsFor).has_value());
  const Result<void> folded = parts_.ledger->Fold();
  const Result<std::string> statement =
      folded ? parts_.ledger->Statement(command.vendor) : Result<std::string>(folded.error());
  const std::string digest =
      statement ? HexEncode(Sha256(*statement)) : std::string("cannot be read");
  const Result<uint64_t> recorded =
      Record(command, "done",
             fmt::format("vendor {}, ledger {}, {}", command.vendor, digest,
                         DeletionInWords((*sender)->status(), data)));
  (*sender)->BeginLeaving(recorded.has_value());
  while ((*sender)->status().leaving && SteadyClock::now() - began < kAnswerKillAfter) {
    std::this_thread::sleep_for(kLookAgain);
  }
  const VendorStatus status = (*sender)->status();
  return fmt::format(
      R"({{"codes":["{}","{}"],"ledger":"{}","entry":{},"trouble":{},"deletion":{},"counted":{},)"
      R"("asked":{},"left":{},"by_hand":{}}})",
      (*codes)[0], (*codes)[1], digest, recorded ? *recorded : 0,
      JsonString(recorded ? "" : recorded.error().message), !command.keep_data,
      status.leaving_counted, status.leaving_asked, status.leaving_left, status.delete_by_hand);
}

Result<std::string> VendorDesk::Backfill(const Command& command) {
  const std::optional<int32_t> day = ReadDay(command.from);
  if (!day) {
    return Error{ErrorCode::kInvalid, "from: expected a day, YYYY-MM-DD"};
  }
  return Change(command, [&](VendorSender* sender) -> Result<std::string> {
    VendorBackfill backfill(
        {parts_.ledger, parts_.clock, parts_.stored}, sender, command.vendor,
        KeptApartFrom(*parts_.ledger, parts_.gateway->policies(), command.vendor));
    const Result<BackfilledDay> done = backfill.Run(*day);
    if (!done) {
      return done.error();
    }
    return fmt::format(R"({{"messages":{},"left_out_messages":{},"left_out_people":{}}})",
                       done->messages, done->left_out_messages, done->left_out_people);
  });
}

Result<std::string> VendorDesk::List() const {
  const VendorPolicies policies = parts_.gateway->policies();
  std::string json = "[";
  std::vector<VendorStatus> vendors = parts_.gateway->List();
  parts_.canaries->AddTo(&vendors);
  for (const VendorStatus& status : vendors) {
    json += (json.size() > 1 ? "," : "") + VendorStatusJson(status, policies);
  }
  return json + "]";
}

// Vendors that the policy no longer names are not asked: their keys are not open.
Result<std::string> VendorDesk::CanarySeen(const Command& command) {
  const size_t at = command.address.rfind('@');
  if (at == std::string::npos) {
    return Error{ErrorCode::kInvalid, "not an address"};
  }
  const std::string_view local_part = std::string_view(command.address).substr(0, at);
  const std::string_view domain = std::string_view(command.address).substr(at + 1);
  std::string json = "[";
  for (const auto& [name, policy] : parts_.gateway->policies()) {
    const std::shared_ptr<VendorSender> sender = parts_.gateway->Find(name);
    const std::optional<uint32_t> epoch =
        sender == nullptr ? std::nullopt : sender->EpochOfCanary(local_part, domain);
    if (!epoch) {
      continue;
    }
    const CanaryVia via = command.by_mail ? CanaryVia::kMail : CanaryVia::kSignIn;
    if (Result<void> kept = parts_.canaries->Take(name, *epoch, via, command.actor); !kept) {
      return kept.error();
    }
    json += fmt::format(R"({}{{"vendor":{},"epoch":{}}})", json.size() > 1 ? "," : "",
                        JsonString(name), *epoch);
  }
  return json + "]";
}

// Those of the present epoch that have been born.
Result<std::string> VendorDesk::Canaries(const Command& command) {
  return Change(command, [&](VendorSender* sender) -> Result<std::string> {
    const VendorStatus status = sender->status();
    const VendorPolicies policies = parts_.gateway->policies();
    const auto policy = policies.find(command.vendor);
    const std::string domain = policy == policies.end() ? "" : policy->second.canary_domain;
    std::string json = "[";
    for (const auto& [number, ids] : sender->KnownEpochs()) {
      for (uint32_t i = 0; number == status.epoch && i < status.canaries; ++i) {
        json += fmt::format(
            R"({}{{"id":"{}","address":{}}})", i == 0 ? "" : ",",
            ids.canaries().VendorId(i).ToHex(),
            JsonString(domain.empty() ? "" : ids.canaries().Person(i).local_part + "@" + domain));
      }
    }
    return json + "]";
  });
}

Result<std::string> VendorDesk::Dead(const Command& command) const {
  const Result<std::shared_ptr<VendorSender>> sender = SenderOf(command);
  if (!sender) {
    return sender.error();
  }
  std::string json = "[";
  const Result<void> read = (*sender)->ReadDead(kMostDeadShown, [&json](const DeadLetter& letter) {
    json += (json.size() > 1 ? "," : "") + DeadJson(letter);
  });
  return read ? Result<std::string>(json + "]") : read.error();
}

Result<std::string> VendorDesk::ByHand(const Command& command) {
  const Result<std::shared_ptr<VendorSender>> sender = SenderOf(command);
  if (!sender) {
    return sender.error();
  }
  if (const Result<uint64_t> recorded = Record(command, "allowed"); !recorded) {
    return recorded.error();  // it names persons, though only as the vendor knows them
  }
  const Result<std::vector<SubjectId>> ids =
      (*sender)->ReadByHand(command.behind, kMostByHandShown);
  if (!ids) {
    return ids.error();
  }
  std::string json = "[";
  for (const SubjectId& id : *ids) {
    json += (json.size() > 1 ? ",\"" : "\"") + id.ToHex() + "\"";
  }
  return json + "]";
}

Result<std::string> VendorDesk::Exposed(const Command& command) const {
  const std::optional<int32_t> from = ReadDay(command.from);
  const std::optional<int32_t> to = ReadDay(command.to);
  if (!from || !to) {
    return Error{ErrorCode::kInvalid, "from and to: expected days, YYYY-MM-DD"};
  }
  LedgerWindow window;
  window.vendor = command.vendor;
  window.first_day = *from;
  window.last_day = *to;
  if (command.epoch != 0) {
    window.epoch = static_cast<uint32_t>(command.epoch);
  }
  const Result<Exposure> exposure = parts_.ledger->Ask(window);
  return exposure ? Result<std::string>(ExposureJson(window, *exposure)) : exposure.error();
}

}  // namespace bulkhead
