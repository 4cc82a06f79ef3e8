#include "main/vendor_commands.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "crypto/crypto.h"
#include "main/reached_server.h"
#include "main/secret_line.h"
#include "main/server_answer.h"
#include "model/value.h"

namespace bulkhead {
namespace {

constexpr int kDefaultDays = 90;
constexpr std::time_t kSecondsOfDay = 86'400;

std::string MakeCommand(const char* kind, const VendorCommand& command,
                        const std::string& credential = "") {
  std::string json = fmt::format(R"({{"command":"vendor-{}","epoch":{},"behind":{},"keep_data":{})",
                                 kind, command.epoch, command.behind, command.keep_data);
  for (const auto& [name, text] :
       {std::pair("vendor", &command.vendor), std::pair("from", &command.from),
        std::pair("to", &command.to), std::pair("code1", &command.code1),
        std::pair("code2", &command.code2), std::pair("credential", &credential)}) {
    if (!text->empty()) {
      json += fmt::format(",\"{}\":", name);
      AppendJsonString(*text, &json);
    }
  }
  return json + "}";
}

Result<std::string> Ask(const char* kind, const VendorCommand& command,
                        const std::string& credential = "") {
  Result<ReachedServer> server = ReachedServer::Reach(DataDirectory(command.dir));
  return server ? server->Command(MakeCommand(kind, command, credential)) : server.error();
}

std::string TimeText(int64_t ms) {
  return ms == 0 ? "never"
                 : fmt::format("{:%Y-%m-%d %H:%M UTC}",
                               fmt::gmtime(static_cast<std::time_t>(ms / 1000)));
}

std::string DayText(int days_ago) {
  const std::time_t day = std::time(nullptr) - static_cast<std::time_t>(days_ago) * 86'400;
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(day));
}

// The start of YYYY-MM-DD, in UTC.
std::optional<std::time_t> DayTime(const std::string& text) {
  std::tm at{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%d", &at);
  return end != nullptr && *end == '\0' ? std::optional<std::time_t>(::timegm(&at)) : std::nullopt;
}

std::string StateOf(const simdjson::dom::element& vendor) {
  if (FlagMember(vendor, "killed")) {
    return fmt::format("killed by {} at {}", TextMember(vendor, "killed_by"),
                       TimeText(NumberMember(vendor, "killed_ms")));
  }
  if (FlagMember(vendor, "paused")) {
    return "paused by the policy";
  }
  const std::string trouble = TextMember(vendor, "trouble");
  if (!trouble.empty()) {
    return "not sending: " + trouble;
  }
  return FlagMember(vendor, "waiting") ? "sending" : "nothing waits";
}

std::string Listed(const simdjson::dom::array& names) {
  std::vector<std::string_view> texts;
  for (const simdjson::dom::element name : names) texts.emplace_back(name);
  return fmt::format("{}", fmt::join(texts, ", "));
}

void PrintPeople(const simdjson::dom::element& vendor) {
  const std::string share = TextMember(vendor, "share");
  const std::string divides_with = Listed(ListMember(vendor, "divides_with"));
  const std::string same = Listed(ListMember(vendor, "same_people_as"));
  fmt::print("  gets {}{}\n",
             !share.empty()         ? "its own share of the people, " + share
             : divides_with.empty() ? "all people"
                                    : "its part of the people, divided with " + divides_with,
             same.empty() ? "" : "; CAN BE JOINED with what they do at " + same);
}

// How far the vendor has been asked to delete what it has.
void PrintLeaving(const simdjson::dom::element& vendor) {
  const std::string trouble = TextMember(vendor, "trouble");
  fmt::print("  asked to delete: {} ids; to come: {}{}\n", NumberMember(vendor, "leaving_asked"),
             FlagMember(vendor, "leaving_counted")
                 ? std::to_string(NumberMember(vendor, "leaving_left"))
                 : "being counted",
             trouble.empty() ? "" : "; " + trouble);
}

void PrintKillsDeletion(const simdjson::dom::element& killed) {
  if (!FlagMember(killed, "deletion")) {
    fmt::print("What it has is left there.\n");
    return;
  }
  const int64_t left = NumberMember(killed, "left");
  fmt::print("It was asked to delete {} ids", NumberMember(killed, "asked"));
  if (!FlagMember(killed, "counted")) {
    fmt::print("; the others are being counted: vendor list");
  } else if (left != 0) {
    fmt::print("; {} are still to come: vendor list", left);
  }
  fmt::print("{}.\n", FlagMember(killed, "by_hand") ? "; ids are left to you: vendor by-hand" : "");
}

Result<void> Simple(const char* kind, const VendorCommand& command, std::string_view said) {
  const Result<std::string> answer = Ask(kind, command);
  if (!answer) {
    return answer.error();
  }
  fmt::print("{}\n", said);
  return {};
}

}  // namespace

Result<void> CommandVendorList(const VendorCommand& command) {
  const Result<std::string> text = Ask("list", command);
  const Result<ServerAnswer> answer = ServerAnswer::Of(text);
  if (!answer) {
    return answer.error();
  }
  if (command.json) {
    fmt::print("{}\n", *text);
    return {};
  }
  for (const simdjson::dom::element vendor : ListOf(answer->root())) {
    fmt::print("{}  {}  {}\n", TextMember(vendor, "vendor"), TextMember(vendor, "type"),
               StateOf(vendor));
    fmt::print("  taken {}, refused {}, not queued {}, expired {}; last {}\n",
               NumberMember(vendor, "sent"), NumberMember(vendor, "refused"),
               NumberMember(vendor, "unqueued"), NumberMember(vendor, "expired"),
               TimeText(NumberMember(vendor, "last_sent_ms")));
    fmt::print(
        "  epoch {} since {}, keys of {} epochs; credential {}{}\n", NumberMember(vendor, "epoch"),
        TimeText(NumberMember(vendor, "epoch_begun_ms")), NumberMember(vendor, "epoch_keys"),
        FlagMember(vendor, "credential") ? TimeText(NumberMember(vendor, "credential_set_ms"))
                                         : "none",
        FlagMember(vendor, "dead_letters") ? "; dead letters wait" : "");
    PrintPeople(vendor);
    if (FlagMember(vendor, "leaving") || NumberMember(vendor, "leaving_asked") != 0) {
      PrintLeaving(vendor);
    }
    if (FlagMember(vendor, "delete_by_hand")) {
      fmt::print("  ids must be deleted there by hand: vendor by-hand\n");
    }
    if (NumberMember(vendor, "canaries_seen") != 0) {
      const std::string incident = TextMember(vendor, "canary_incident");
      fmt::print("  CANARIES SEEN: {} times, last {}: what this vendor was sent is out; {}\n",
                 NumberMember(vendor, "canaries_seen"),
                 TimeText(NumberMember(vendor, "canary_seen_ms")),
                 incident.empty() ? "its incident is not open yet" : "incident " + incident);
    }
  }
  return {};
}

Result<void> CommandVendorCredential(const VendorCommand& command) {
  Result<std::string> credential = ReadCredential();
  if (!credential) {
    return credential.error();
  }
  const bool empty = credential->empty();
  const Result<std::string> answer = Ask("credential", command, *credential);
  Wipe(&*credential);
  if (!answer) {
    return answer.error();
  }
  fmt::print("{}\n", empty ? "the credential is gone" : "the credential is set");
  return {};
}

Result<void> CommandVendorKill(const VendorCommand& command) {
  const Result<ServerAnswer> answer = ServerAnswer::Of(Ask("kill", command));
  if (!answer) {
    return answer.error();
  }
  fmt::print(
      "{} is stopped: its credential is gone, what waits stays where it is, its ids have changed.\n"
      "ledger {}, audit log entry {}\n",
      command.vendor, TextMember(answer->root(), "ledger"), NumberMember(answer->root(), "entry"));
  const std::string trouble = TextMember(answer->root(), "trouble");
  if (!trouble.empty()) {
    fmt::print("NOT in the audit log, so it is asked nothing: {}\n", trouble);
  }
  PrintKillsDeletion(answer->root());
  fmt::print(
      "To undo this takes both of these codes, which are kept nowhere. Give them to two people:\n");
  for (const simdjson::dom::element code : ListMember(answer->root(), "codes")) {
    fmt::print("  {}\n", std::string_view(code));
  }
  return {};
}

Result<void> CommandVendorRevive(const VendorCommand& command) {
  return Simple("revive", command, "it may be sent to again, once it has a credential");
}
Result<void> CommandVendorNewEpoch(const VendorCommand& command) {
  return Simple("new-epoch", command, "its ids have changed");
}
Result<void> CommandVendorForgetEpoch(const VendorCommand& command) {
  return Simple("forget-epoch", command,
                "that epoch's key is destroyed: nothing joins its ids to anybody any more");
}

Result<void> CommandVendorDead(const VendorCommand& command) {
  const Result<std::string> text = Ask("dead", command);
  const Result<ServerAnswer> answer = ServerAnswer::Of(text);
  if (!answer) {
    return answer.error();
  }
  if (command.json) {
    fmt::print("{}\n", *text);
    return {};
  }
  for (const simdjson::dom::element letter : ListOf(answer->root())) {
    const std::string event = TextMember(letter, "event");
    fmt::print("{}  {}: {}\n", TimeText(NumberMember(letter, "at_ms")),
               event.empty() ? "a profile" : event, TextMember(letter, "reason"));
  }
  return {};
}

Result<void> CommandVendorCanaries(const VendorCommand& command) {
  const Result<std::string> text = Ask("canaries", command);
  const Result<ServerAnswer> answer = ServerAnswer::Of(text);
  if (!answer) {
    return answer.error();
  }
  if (command.json) {
    fmt::print("{}\n", *text);
    return {};
  }
  for (const simdjson::dom::element canary : ListOf(answer->root())) {
    fmt::print("{}  {}\n", TextMember(canary, "id"), TextMember(canary, "address"));
  }
  return {};
}

Result<void> CommandVendorByHand(const VendorCommand& command) {
  if (command.done) {
    return Simple("by-hand-done", command, "they are taken for deleted");
  }
  VendorCommand page = command;
  for (;;) {
    const Result<ServerAnswer> answer = ServerAnswer::Of(Ask("by-hand", page));
    if (!answer) {
      return answer.error();
    }
    const simdjson::dom::array ids = ListOf(answer->root());
    if (ids.size() == 0) {
      return {};
    }
    for (const simdjson::dom::element id : ids) {
      fmt::print("{}\n", std::string_view(id));
    }
    page.behind += ids.size();
  }
}

Result<void> CommandVendorBackfill(const VendorCommand& command) {
  Result<ReachedServer> server = ReachedServer::Reach(DataDirectory(command.dir));
  if (!server) {
    return server.error();
  }
  const std::optional<std::time_t> first = DayTime(command.from);
  const std::optional<std::time_t> last = DayTime(command.to);
  if (!first || !last) {
    return Error{ErrorCode::kInvalid, "--from and --to: expected days, YYYY-MM-DD"};
  }
  VendorCommand day = command;
  int64_t total = 0;
  int64_t left_out = 0;
  int64_t most_people = 0;
  for (std::time_t time = *first; time <= *last; time += kSecondsOfDay) {
    day.from = fmt::format("{:%Y-%m-%d}", fmt::gmtime(time));
    const Result<ServerAnswer> answer =
        ServerAnswer::Of(server->Command(MakeCommand("backfill", day)));
    if (!answer) {
      return Error{answer.error().code,
                   "at " + day.from + " (go on from there): " + answer.error().message};
    }
    total += NumberMember(answer->root(), "messages");
    left_out += NumberMember(answer->root(), "left_out_messages");
    most_people = std::max(most_people, NumberMember(answer->root(), "left_out_people"));
  }
  fmt::print("{} messages are in the queue\n", total);
  if (left_out != 0) {
    fmt::print(
        "{} were left out, of up to {} people a day: vendors that it divides the people with, or "
        "that the policy named before, were sent these; share = \"all\" sends everybody's\n",
        left_out, most_people);
  }
  return {};
}

Result<void> CommandVendorResend(const VendorCommand& command) {
  const Result<ServerAnswer> answer = ServerAnswer::Of(Ask("resend", command));
  if (!answer) {
    return answer.error();
  }
  fmt::print("{} messages are in the queue again\n", NumberMember(answer->root(), "messages"));
  return {};
}

Result<void> CommandVendorExposure(const VendorCommand& command) {
  VendorCommand asked = command;
  if (asked.to.empty()) asked.to = DayText(0);
  if (asked.from.empty()) asked.from = DayText(kDefaultDays - 1);
  const Result<std::string> text = Ask("exposure", asked);
  const Result<ServerAnswer> answer = ServerAnswer::Of(text);
  if (!answer) {
    return answer.error();
  }
  if (command.json) {
    fmt::print("{}\n", *text);
    return {};
  }
  const simdjson::dom::element root = answer->root();
  fmt::print("{}, {} to {}: {} subjects, {} sends\n", TextMember(root, "vendor"),
             TextMember(root, "from"), TextMember(root, "to"), NumberMember(root, "subjects"),
             NumberMember(root, "sends"));
  for (const simdjson::dom::element field : ListMember(root, "fields")) {
    fmt::print("  {} ({}): {} subjects, {} sends, {} to {}\n", TextMember(field, "name"),
               TextMember(field, "form"), NumberMember(field, "subjects"),
               NumberMember(field, "sends"), TextMember(field, "first"), TextMember(field, "last"));
  }
  return {};
}

}  // namespace bulkhead
