#include "main/vendor_commands.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <chrono>
#include <ctime>
#include <iostream>
#include <iterator>
#include <utility>

#include "crypto/crypto.h"
#include "main/reached_server.h"
#include "model/value.h"

namespace bulkhead {
namespace {

constexpr int kDefaultDays = 90;
constexpr size_t kMaxCredentialBytes = 4096;

std::string MakeCommand(const char* kind, const VendorCommand& command,
                        const std::string& credential = "") {
  std::string json = fmt::format(R"({{"command":"vendor-{}","epoch":{})", kind, command.epoch);
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

// A server's answer, taken apart.
class Answer {
 public:
  static Result<Answer> Of(const Result<std::string>& text) {
    if (!text) {
      return text.error();
    }
    Answer answer;
    answer.parser_ = std::make_unique<simdjson::dom::parser>();
    if (answer.parser_->parse(simdjson::padded_string(*text)).get(answer.root_) !=
        simdjson::SUCCESS) {
      return UnreadableAnswer();
    }
    return answer;
  }
  [[nodiscard]] const simdjson::dom::element& root() const { return root_; }

 private:
  std::unique_ptr<simdjson::dom::parser> parser_;
  simdjson::dom::element root_;
};

std::string Text(const simdjson::dom::element& object, const char* name) {
  std::string_view text;
  return object[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}
int64_t Number(const simdjson::dom::element& object, const char* name) {
  int64_t number = 0;
  return object[name].get(number) == simdjson::SUCCESS ? number : 0;
}
bool Flag(const simdjson::dom::element& object, const char* name) {
  bool flag = false;
  return object[name].get(flag) == simdjson::SUCCESS && flag;
}
simdjson::dom::array List(const simdjson::dom::element& element) {
  simdjson::dom::array list;
  return element.get(list) == simdjson::SUCCESS ? list : simdjson::dom::array();
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

std::string StateOf(const simdjson::dom::element& vendor) {
  if (Flag(vendor, "killed")) {
    return fmt::format("killed by {} at {}", Text(vendor, "killed_by"),
                       TimeText(Number(vendor, "killed_ms")));
  }
  if (Flag(vendor, "paused")) {
    return "paused by the policy";
  }
  const std::string trouble = Text(vendor, "trouble");
  if (!trouble.empty()) {
    return "not sending: " + trouble;
  }
  return Flag(vendor, "waiting") ? "sending" : "nothing waits";
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
  const Result<Answer> answer = Answer::Of(text);
  if (!answer) {
    return answer.error();
  }
  if (command.json) {
    fmt::print("{}\n", *text);
    return {};
  }
  for (const simdjson::dom::element vendor : List(answer->root())) {
    fmt::print("{}  {}  {}\n", Text(vendor, "vendor"), Text(vendor, "type"), StateOf(vendor));
    fmt::print("  taken {}, refused {}, not queued {}, expired {}; last {}\n",
               Number(vendor, "sent"), Number(vendor, "refused"), Number(vendor, "unqueued"),
               Number(vendor, "expired"), TimeText(Number(vendor, "last_sent_ms")));
    fmt::print("  epoch {} since {}, keys of {} epochs; credential {}{}\n", Number(vendor, "epoch"),
               TimeText(Number(vendor, "epoch_begun_ms")), Number(vendor, "epoch_keys"),
               Flag(vendor, "credential") ? TimeText(Number(vendor, "credential_set_ms")) : "none",
               Flag(vendor, "dead_letters") ? "; dead letters wait" : "");
    if (Number(vendor, "canaries_seen") != 0) {
      fmt::print("  CANARIES SEEN: {} times, last {}: what this vendor was sent is out\n",
                 Number(vendor, "canaries_seen"), TimeText(Number(vendor, "canary_seen_ms")));
    }
  }
  return {};
}

Result<void> CommandVendorCredential(const VendorCommand& command) {
  std::string credential{std::istreambuf_iterator<char>(std::cin), {}};
  while (credential.ends_with('\n') || credential.ends_with('\r')) {
    credential.pop_back();
  }
  if (credential.size() > kMaxCredentialBytes) {
    Wipe(&credential);
    return Error{ErrorCode::kInvalid, "the credential is longer than 4096 bytes"};
  }
  const bool empty = credential.empty();
  const Result<std::string> answer = Ask("credential", command, credential);
  Wipe(&credential);
  if (!answer) {
    return answer.error();
  }
  fmt::print("{}\n", empty ? "the credential is gone" : "the credential is set");
  return {};
}

Result<void> CommandVendorKill(const VendorCommand& command) {
  const Result<Answer> answer = Answer::Of(Ask("kill", command));
  if (!answer) {
    return answer.error();
  }
  fmt::print(
      "{} is stopped: its credential is gone, what waits stays where it is, its ids have changed.\n"
      "ledger {}, audit log entry {}\n",
      command.vendor, Text(answer->root(), "ledger"), Number(answer->root(), "entry"));
  if (const std::string trouble = Text(answer->root(), "trouble"); !trouble.empty()) {
    fmt::print("NOT in the audit log: {}\n", trouble);
  }
  fmt::print(
      "To undo this takes both of these codes, which are kept nowhere. Give them to two people:\n");
  for (const simdjson::dom::element code : List(answer->root()["codes"].value())) {
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
  const Result<Answer> answer = Answer::Of(text);
  if (!answer) {
    return answer.error();
  }
  if (command.json) {
    fmt::print("{}\n", *text);
    return {};
  }
  for (const simdjson::dom::element letter : List(answer->root())) {
    const std::string event = Text(letter, "event");
    fmt::print("{}  {}: {}\n", TimeText(Number(letter, "at_ms")),
               event.empty() ? "a profile" : event, Text(letter, "reason"));
  }
  return {};
}

Result<void> CommandVendorCanaries(const VendorCommand& command) {
  const Result<std::string> text = Ask("canaries", command);
  const Result<Answer> answer = Answer::Of(text);
  if (!answer) {
    return answer.error();
  }
  if (command.json) {
    fmt::print("{}\n", *text);
    return {};
  }
  for (const simdjson::dom::element canary : List(answer->root())) {
    fmt::print("{}  {}\n", Text(canary, "id"), Text(canary, "address"));
  }
  return {};
}

Result<void> CommandVendorResend(const VendorCommand& command) {
  const Result<Answer> answer = Answer::Of(Ask("resend", command));
  if (!answer) {
    return answer.error();
  }
  fmt::print("{} messages are in the queue again\n", Number(answer->root(), "messages"));
  return {};
}

Result<void> CommandVendorExposure(const VendorCommand& command) {
  VendorCommand asked = command;
  if (asked.to.empty()) asked.to = DayText(0);
  if (asked.from.empty()) asked.from = DayText(kDefaultDays - 1);
  const Result<std::string> text = Ask("exposure", asked);
  const Result<Answer> answer = Answer::Of(text);
  if (!answer) {
    return answer.error();
  }
  if (command.json) {
    fmt::print("{}\n", *text);
    return {};
  }
  const simdjson::dom::element root = answer->root();
  fmt::print("{}, {} to {}: {} subjects, {} sends\n", Text(root, "vendor"), Text(root, "from"),
             Text(root, "to"), Number(root, "subjects"), Number(root, "sends"));
  for (const simdjson::dom::element field : List(root["fields"].value())) {
    fmt::print("  {} ({}): {} subjects, {} sends, {} to {}\n", Text(field, "name"),
               Text(field, "form"), Number(field, "subjects"), Number(field, "sends"),
               Text(field, "first"), Text(field, "last"));
  }
  return {};
}

}  // namespace bulkhead
