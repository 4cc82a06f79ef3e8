#include "main/vendor_desk.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <chrono>
#include <utility>

#include "base/byte_codec.h"
#include "base/hex.h"
#include "crypto/crypto.h"
#include "model/value.h"

namespace bulkhead {
namespace {

constexpr uint64_t kMostDeadShown = 1000;

std::string Quoted(std::string_view text) {
  std::string json;
  AppendJsonString(text, &json);
  return json;
}

// Days since 1970 of YYYY-MM-DD.
std::optional<int32_t> DayOf(std::string_view text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  char behind = 0;
  if (text.size() != 10 ||
      std::sscanf(std::string(text).c_str(), "%4d-%2u-%2u%c", &year, &month, &day, &behind) != 3) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) {
    return std::nullopt;
  }
  return std::chrono::sys_days(date).time_since_epoch().count();
}

std::string DayText(int32_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

std::string StatusJson(const VendorStatus& status) {
  return fmt::format(
      R"({{"vendor":{},"type":"{}","paused":{},"killed":{},"killed_by":{},"killed_ms":{},)"
      R"("credential":{},"credential_set_ms":{},"trouble":{},"waiting":{},"queue_bytes":{},)"
      R"("dead_letters":{},"sent":{},"refused":{},"retries":{},"unqueued":{},"expired":{},)"
      R"("last_sent_ms":{},"epoch":{},"epoch_begun_ms":{},"epoch_keys":{},"canaries":{},)"
      R"("canaries_seen":{},"canary_seen_ms":{}}})",
      Quoted(status.name), VendorTypeName(status.type), status.paused, status.killed,
      Quoted(status.killed_by), status.killed_ms, status.has_credential, status.credential_set_ms,
      Quoted(status.trouble), status.waiting, status.queue_bytes, status.dead_letters, status.sent,
      status.refused, status.retries, status.unqueued, status.expired, status.last_sent_ms,
      status.epoch, status.epoch_begun_ms, status.epoch_keys, status.canaries, status.canaries_seen,
      status.canary_seen_ms);
}

std::string ExposureJson(const std::string& vendor, const LedgerWindow& window,
                         const Exposure& exposure) {
  std::string json = fmt::format(
      R"({{"vendor":{},"from":"{}","to":"{}","subjects":{},"sends":{},"fields":[)", Quoted(vendor),
      DayText(window.first_day), DayText(window.last_day), exposure.subjects, exposure.sends);
  for (const ExposedField& field : exposure.fields) {
    json += json.back() == '[' ? "" : ",";
    json += fmt::format(
        R"({{"name":{},"form":"{}","subjects":{},"sends":{},"first":"{}","last":"{}"}})",
        Quoted(field.field.name), FieldFormName(field.field.form), field.subjects, field.sends,
        DayText(field.first_day), DayText(field.last_day));
  }
  json += "],\"epochs\":[";
  for (const auto& [epoch, sends] : exposure.sends_of_epoch) {
    json += json.back() == '[' ? "" : ",";
    json += fmt::format(R"({{"epoch":{},"sends":{}}})", epoch, sends);
  }
  return json + "]}";
}

// What can be said of a dead letter: no value.
std::string DeadJson(const DeadLetter& letter) {
  const Batch& batch = letter.message.batch;
  std::string json =
      fmt::format(R"({{"at_ms":{},"reason":{})", letter.at_ms, Quoted(letter.reason));
  const ValueObject* properties = nullptr;
  if (!batch.events.empty()) {
    json += ",\"event\":" + Quoted(batch.events.front().name);
    properties = &batch.events.front().properties;
  } else if (!batch.profile_updates.empty()) {
    properties = &batch.profile_updates.front().properties;
  }
  json += ",\"properties\":[";
  if (properties != nullptr) {
    for (const auto& [name, value] : *properties) {
      json += (json.back() == '[' ? "" : ",") + Quoted(name);
    }
  }
  return json + "]}";
}

}  // namespace

struct VendorDesk::Command {
  std::string actor, kind, vendor, credential, from, to, address, via;
  ReviveCodes codes;
  uint64_t epoch = 0;
};

std::string EncodeVendorCommand(std::string_view actor, std::string_view command) {
  std::string body;
  ByteWriter writer(&body);
  writer.String(actor);
  writer.String(command);
  return body;
}

bool IsVendorCommand(std::string_view kind) { return kind.starts_with("vendor-"); }

Result<VendorDesk::Command> VendorDesk::Parse(std::string_view body) {
  ByteReader in(body);
  Command command;
  command.actor = in.String();
  const std::string_view text = in.String();
  simdjson::dom::parser parser;
  simdjson::dom::object root;
  if (!in.ok() || !in.AtEnd() || command.actor.empty() ||
      parser.parse(simdjson::padded_string(text)).get(root) != simdjson::SUCCESS) {
    return Error{ErrorCode::kInvalid, "not a command about vendors"};
  }
  const auto member = [&root](const char* name) {
    std::string_view value;
    return root[name].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
  };
  command.kind = member("command");
  command.vendor = member("vendor");
  command.credential = member("credential");
  command.from = member("from");
  command.to = member("to");
  command.address = member("address");
  command.via = member("via") == "smtp" ? "mail" : "sign-in";
  command.codes = {member("code1"), member("code2")};
  if (root["epoch"].get(command.epoch) != simdjson::SUCCESS) {
    command.epoch = 0;
  }
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

// Stops first: nothing that has to be written down may hold it up.
Result<std::string> VendorDesk::Kill(const Command& command) {
  const Result<std::shared_ptr<VendorSender>> sender = SenderOf(command);
  if (!sender) {
    return sender.error();
  }
  const Result<ReviveCodes> codes = (*sender)->Kill(command.actor);
  if (!codes) {
    return codes.error();
  }
  const Result<void> folded = parts_.ledger->Fold();
  const Result<std::string> statement =
      folded ? parts_.ledger->Statement(command.vendor) : Result<std::string>(folded.error());
  const std::string digest =
      statement ? HexEncode(Sha256(*statement)) : std::string("cannot be read");
  const Result<uint64_t> recorded =
      Record(command, "done", fmt::format("vendor {}, ledger {}", command.vendor, digest));
  return fmt::format(R"({{"codes":["{}","{}"],"ledger":"{}","entry":{},"trouble":{}}})",
                     (*codes)[0], (*codes)[1], digest, recorded ? *recorded : 0,
                     Quoted(recorded ? "" : recorded.error().message));
}

Result<std::string> VendorDesk::List() const {
  std::string json = "[";
  for (const VendorStatus& status : parts_.gateway->List()) {
    json += (json.size() > 1 ? "," : "") + StatusJson(status);
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
    sender->CountCanarySeen();
    AuditEntry entry;
    entry.actor = command.actor;
    entry.action = "vendor.canary";
    entry.scope = fmt::format("vendor {}, epoch {}, {}", name, *epoch, command.via);
    entry.outcome = "seen";
    if (const Result<uint64_t> recorded = parts_.record(entry); !recorded) {
      return recorded.error();
    }
    json += fmt::format(R"({}{{"vendor":{},"epoch":{}}})", json.size() > 1 ? "," : "", Quoted(name),
                        *epoch);
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
            Quoted(domain.empty() ? "" : ids.canaries().Person(i).local_part + "@" + domain));
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

Result<std::string> VendorDesk::Exposed(const Command& command) const {
  const std::optional<int32_t> from = DayOf(command.from);
  const std::optional<int32_t> to = DayOf(command.to);
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
  return exposure ? Result<std::string>(ExposureJson(command.vendor, window, *exposure))
                  : exposure.error();
}

}  // namespace bulkhead
